"use client";

import { useTranslations } from "next-intl";
import { useActionState } from "react";
import { register } from "@/app/actions";

export function RegisterForm({ locale, returnTo }: { locale: string; returnTo?: string }) {
  const t = useTranslations("register");
  const [state, action, pending] = useActionState(register, {});
  return (
    <form action={action} className="stack">
      <input type="hidden" name="locale" value={locale} />
      {returnTo && <input type="hidden" name="return_to" value={returnTo} />}
      <label>
        {t("name")}
        <input name="name" autoComplete="name" maxLength={80} required defaultValue={state.name} />
      </label>
      <label>
        {t("email")}
        <input name="email" type="email" dir="ltr" autoComplete="email" required defaultValue={state.email} />
      </label>
      {state.error && (
        <p className="error" role="alert">
          {t("error")}
        </p>
      )}
      <button className="button" disabled={pending}>
        {t("submit")}
      </button>
    </form>
  );
}

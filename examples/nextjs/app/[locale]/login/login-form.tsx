"use client";

import { useTranslations } from "next-intl";
import { useActionState } from "react";
import { login } from "@/app/actions";

export function LoginForm({ locale, returnTo }: { locale: string; returnTo?: string }) {
  const t = useTranslations("login");
  const [state, action, pending] = useActionState(login, {});
  return (
    <form action={action} className="stack">
      <input type="hidden" name="locale" value={locale} />
      {returnTo && <input type="hidden" name="return_to" value={returnTo} />}
      <label>
        {t("email")}
        <input name="email" type="email" dir="ltr" autoComplete="username" required defaultValue={state.email} />
      </label>
      <label>
        {t("password")}
        <input name="password" type="password" dir="ltr" autoComplete="current-password" required />
      </label>
      {state.error && (
        <p className="error" role="alert">
          {t(`errors.${state.error}`)}
        </p>
      )}
      <button className="button" disabled={pending}>
        {t("submit")}
      </button>
    </form>
  );
}

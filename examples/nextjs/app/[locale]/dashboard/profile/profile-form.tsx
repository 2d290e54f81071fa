"use client";

import { useTranslations } from "next-intl";
import { useActionState } from "react";
import { saveProfile } from "@/app/actions";

export function ProfileForm({ locale, name }: { locale: string; name: string }) {
  const t = useTranslations("profile");
  const [state, action, pending] = useActionState(saveProfile, {});
  return (
    <form action={action} className="stack">
      <input type="hidden" name="locale" value={locale} />
      <label>
        {t("name")}
        <input name="name" autoComplete="name" maxLength={80} required defaultValue={state.name ?? name} />
      </label>
      {state.error && (
        <p className="error" role="alert">
          {t("error")}
        </p>
      )}
      <div>
        <button className="button" disabled={pending}>
          {t("submit")}
        </button>
      </div>
    </form>
  );
}

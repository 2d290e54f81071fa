"use client";

import { useTranslations } from "next-intl";
import { useActionState } from "react";
import { login, type FormState } from "@/app/actions";

interface Props {
  locale: string;
  returnTo?: string;
  failed?: boolean;
}

export function LoginForm({ locale, returnTo, failed = false }: Props) {
  const t = useTranslations("login");
  const [state, action, pending] = useActionState(login, initialState(failed));
  return (
    <>
      {returnTo ? (
        <p className="notice" role="status">
          {t("wanted")}
        </p>
      ) : (
        <p className="muted">{t("intro")}</p>
      )}
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
        <p className="or">{t("or")}</p>
        {/* The same form, posted to app/api/sign-in/route.ts. */}
        <button className="button quiet" formAction="/api/sign-in" formMethod="post">
          {t("submitToHandler")}
        </button>
      </form>
    </>
  );
}

function initialState(failed: boolean): FormState {
  return failed ? { error: "wrongPassword" } : {};
}

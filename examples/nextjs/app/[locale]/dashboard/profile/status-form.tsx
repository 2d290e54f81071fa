"use client";

import { useSession } from "caddy-session-guard/client";
import { useTranslations } from "next-intl";
import { useState } from "react";
import type { AppUser } from "@/lib/auth";

/** Changes the session from the browser. Caddy allows it, because the Caddyfile names the field in `client_update`. */
export function StatusForm() {
  const t = useTranslations("profile");
  const { session, update } = useSession<AppUser>();
  const [result, setResult] = useState<"saved" | "failed">();

  async function save(form: FormData) {
    const status = String(form.get("status")).trim();
    const { success } = await update({ user: { status: status || null } }); // null takes the field out
    setResult(success ? "saved" : "failed");
  }

  return (
    <form action={save} className="stack">
      <label>
        {t("status")}
        {/* React resets a form after its action; with the key it starts from what was saved. */}
        <input key={session?.user.status} name="status" maxLength={60} defaultValue={session?.user.status} placeholder={t("statusExample")} />
      </label>
      {result === "saved" && (
        <p className="notice" role="status" data-testid="status-saved">
          {t("statusSaved")}
        </p>
      )}
      {result === "failed" && (
        <p className="error" role="alert">
          {t("statusFailed")}
        </p>
      )}
      <div>
        <button className="button">{t("statusSubmit")}</button>
      </div>
    </form>
  );
}

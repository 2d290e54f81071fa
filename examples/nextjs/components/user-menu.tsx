"use client";

import { useSession } from "caddy-session-guard/client";
import { useTranslations } from "next-intl";
import { useRef, useState, type SyntheticEvent } from "react";
import { logout as logoutAction } from "@/app/actions";
import { Link } from "@/i18n/routing";
import type { AppUser } from "@/lib/auth";
import { Avatar } from "./avatar";

const links = [
  { href: "/dashboard", key: "dashboard" },
  { href: "/dashboard/profile", key: "profile" },
  { href: "/session", key: "session" },
] as const;

// A popover of the platform: it opens, closes and keeps the focus without a line of code, and without JavaScript.
export function UserMenu({ user, locale }: { user: AppUser; locale: string }) {
  const t = useTranslations("header");
  const { logout } = useSession();
  const menu = useRef<HTMLDivElement>(null);
  const [failed, setFailed] = useState(false);

  async function signOut(event: SyntheticEvent) {
    event.preventDefault(); // without JavaScript the form posts its Server Action instead
    setFailed(!(await logout()).success);
  }

  async function signOutEverywhere() {
    const answer = await fetch("/api/session/all", { method: "DELETE" }).catch(() => undefined);
    // 401: the session has ended already, as by the same button on another device.
    const ended = answer?.ok || answer?.status === 401;
    setFailed(!ended || !(await logout()).success);
  }

  return (
    <>
      <button
        className="account-button"
        type="button"
        popoverTarget="user-menu"
        aria-label={t("account", { name: user.name })}
        data-testid="user-menu-button"
      >
        <Avatar name={user.name} />
        <span className="account-name wide-only">{user.name}</span>
        <svg className="chevron" viewBox="0 0 12 12" aria-hidden="true">
          <path d="m2.5 4.5 3.5 3.5 3.5-3.5" />
        </svg>
      </button>
      <div id="user-menu" className="menu" popover="auto" ref={menu} data-testid="user-menu">
        <p className="menu-user">
          <strong>{user.name}</strong>
          <bdi>{user.email}</bdi>
          {user.status && (
            <span className="menu-status" data-testid="user-status">
              {user.status}
            </span>
          )}
        </p>
        <ul>
          {links.map(({ href, key }) => (
            <li key={href}>
              <Link href={href} onClick={() => menu.current?.hidePopover()}>
                {t(key)}
              </Link>
            </li>
          ))}
        </ul>
        <form action={logoutAction} onSubmit={signOut}>
          <input type="hidden" name="locale" value={locale} />
          <button className="menu-item" data-testid="sign-out">
            {t("signOut")}
          </button>
        </form>
        <button className="menu-item scripted" type="button" onClick={signOutEverywhere} data-testid="sign-out-everywhere">
          {t("signOutEverywhere")}
        </button>
        {failed && (
          <p className="error" role="alert">
            {t("signOutFailed")}
          </p>
        )}
      </div>
    </>
  );
}

import { getTranslations, setRequestLocale } from "next-intl/server";
import { Suspense, type ReactNode } from "react";
import { RequireSession } from "@/components/require-session";
import { SideNav } from "@/components/side-nav";
import { localPath } from "@/i18n/routing";
import { getSession } from "@/lib/auth";

interface Props {
  children: ReactNode;
  params: Promise<{ locale: string }>;
}

// Caddy lets nobody in here without a session: the Caddyfile says `auth /dashboard/*`.
export default async function DashboardLayout({ children, params }: Props) {
  const { locale } = await params;
  setRequestLocale(locale);
  return (
    <div className="dashboard">
      <Suspense>
        <RequireSession loginPath={localPath("/login", locale)} />
      </Suspense>
      <Suspense fallback={<div className="side-nav" />}>
        <DashboardNav />
      </Suspense>
      <div className="stack wide">
        <Suspense fallback={<div className="card skeleton" />}>{children}</Suspense>
      </div>
    </div>
  );
}

async function DashboardNav() {
  const [t, session] = await Promise.all([getTranslations("dashboard.nav"), getSession()]);
  const items = [
    { href: "/dashboard", label: t("overview") },
    { href: "/dashboard/profile", label: t("profile") },
  ];
  if (session?.user.role === "admin") {
    items.push({ href: "/dashboard/admin", label: t("admin") });
  }
  return <SideNav label={t("label")} items={items} />;
}

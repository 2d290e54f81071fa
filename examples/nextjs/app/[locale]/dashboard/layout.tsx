import { getTranslations, setRequestLocale } from "next-intl/server";
import type { ReactNode } from "react";
import { SideNav } from "@/components/side-nav";
import { getSession } from "@/lib/auth";

interface Props {
  children: ReactNode;
  params: Promise<{ locale: string }>;
}

export default async function DashboardLayout({ children, params }: Props) {
  setRequestLocale((await params).locale);
  const [t, session] = await Promise.all([getTranslations("dashboard.nav"), getSession()]);
  const items = [
    { href: "/dashboard", label: t("overview") },
    { href: "/dashboard/profile", label: t("profile") },
  ];
  if (session?.user.role === "admin") {
    items.push({ href: "/dashboard/admin", label: t("admin") });
  }
  return (
    <div className="dashboard">
      <SideNav label={t("label")} items={items} />
      <div className="stack wide">{children}</div>
    </div>
  );
}

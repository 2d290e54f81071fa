"use client";

import { useSelectedLayoutSegments } from "next/navigation";
import { Link } from "@/i18n/routing";

export function SideNav({ label, items }: { label: string; items: { href: string; label: string }[] }) {
  const current = ["/dashboard", ...useSelectedLayoutSegments()].join("/");
  return (
    <nav className="side-nav" aria-label={label}>
      {items.map((item) => (
        <Link key={item.href} href={item.href} aria-current={item.href === current ? "page" : undefined}>
          {item.label}
        </Link>
      ))}
    </nav>
  );
}

"use client";

import { useSearchParams } from "next/navigation";
import { Suspense, type ComponentProps } from "react";
import { Link } from "@/i18n/routing";

type Props = Omit<ComponentProps<typeof Link>, "href"> & { href: "/login" | "/register" };

/** A link to where one signs in or registers. It keeps `return_to`, where Caddy wrote what the visitor wanted to see. */
export function EntryLink(props: Props) {
  return (
    <Suspense fallback={<Link {...props} />}>
      <EntryLinkOfRequest {...props} />
    </Suspense>
  );
}

function EntryLinkOfRequest({ href, ...props }: Props) {
  const wanted = useSearchParams().get("return_to");
  return <Link href={wanted ? { pathname: href, query: { return_to: wanted } } : href} {...props} />;
}

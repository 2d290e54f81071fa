"use client";
import { SessionProvider } from "caddy-session-guard/client";
export function Providers({ children }: { children: React.ReactNode }) {
  return <SessionProvider>{children}</SessionProvider>;
}

"use client";
import { useSession } from "caddy-session-guard/client";
export function UserMenu() {
  const { session, status, logout, refresh } = useSession();
  if (status === "loading") return <div>Loading...</div>;
  if (status === "unauthenticated") return <LoginButton />;
  return (
    <div>
      <span>{session.user.name}</span>
      <button onClick={logout}>Logout</button>
    </div>
  );
}

"use client";

import { useRouter } from "next/navigation";
import { SessionProvider, useSession } from "caddy-session-guard/client";

export function FetchButton({ wanted }) {
  return (
    <SessionProvider fetchOnMount={false}>
      <Button wanted={wanted} />
    </SessionProvider>
  );
}

function Button({ wanted }) {
  const { refresh } = useSession();
  const router = useRouter();
  async function signIn() {
    await fetch("/sign-in/submit", { method: "POST", body: new URLSearchParams({ name: "Fetch" }), redirect: "manual" });
    await refresh();
    router.push(wanted);
  }
  return <button onClick={signIn}>Sign in with fetch</button>;
}

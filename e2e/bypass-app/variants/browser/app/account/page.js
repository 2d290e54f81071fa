import Link from "next/link";
import { signOut } from "../actions";
import { getSession } from "../../lib/auth";
import { RenameButton } from "./rename-button";

export default async function Page() {
  const session = await getSession();
  return (
    <main>
      <h1>Account of {session?.user.name}</h1>
      <RenameButton />
      <form action={signOut}>
        <button>Sign out</button>
      </form>
      <Link href="/start" prefetch={false}>Start</Link>
    </main>
  );
}

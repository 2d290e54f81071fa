import { signIn } from "../actions";
import { FetchButton } from "./fetch-button";

export default async function Page({ searchParams }) {
  const { return_to: wanted = "" } = await searchParams;
  return (
    <main>
      <h1>Sign in</h1>
      <form action={signIn}>
        <input type="hidden" name="return_to" value={wanted} />
        <input name="name" aria-label="Name" />
        <button>Sign in</button>
      </form>
      <form action="/sign-in/submit" method="post">
        <input type="hidden" name="return_to" value={wanted} />
        <input type="hidden" name="name" value="Route Handler" />
        <button>Sign in with a Route Handler</button>
      </form>
      <FetchButton wanted={wanted} />
    </main>
  );
}

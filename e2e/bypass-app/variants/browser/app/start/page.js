import Link from "next/link";

// An open page with a link of each kind to guarded pages and to the public ones.
export default function Page() {
  return (
    <main>
      <h1>Start</h1>
      <Link href="/account" prefetch={false}>Account</Link>
      <Link href="/account/prefetched">Prefetched account</Link>
      <Link href="/sign-in" prefetch={false}>Sign in</Link>
      <Link href="/sign-in/prefetched">Prefetched sign-in</Link>
      <a href="/pages-router">Pages Router</a>
      <form action="/account/submit" method="post">
        <button>Submit</button>
      </form>
    </main>
  );
}

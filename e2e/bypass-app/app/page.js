import Link from "next/link";

// The links are what the browser suites click: a client-side navigation to each kind of page.
export default function Page() {
  return (
    <>
      <h1>PUBLIC-MARK-home</h1>
      <nav>
        <Link href="/dashboard" prefetch={false}>dashboard</Link>
        <Link href="/prefetchpage" prefetch={false}>prefetching page</Link>
        <Link href="/legacy" prefetch={false}>legacy</Link>
        <Link href="/login" prefetch={false}>login</Link>
      </nav>
    </>
  );
}

import Link from "next/link";

export default function Page() {
  return (
    <>
      <h1>PUBLIC-MARK-prefetchpage</h1>
      <Link href="/dashboard" prefetch>dashboard, prefetched</Link>
    </>
  );
}

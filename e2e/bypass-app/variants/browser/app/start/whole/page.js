import Link from "next/link";

// Before Next.js 16 such a prefetch cannot be told from a navigation.
export default function Page() {
  return (
    <main>
      <h1>Start whole</h1>
      <Link href="/account/prefetched" prefetch>Account, prefetched as a whole</Link>
    </main>
  );
}

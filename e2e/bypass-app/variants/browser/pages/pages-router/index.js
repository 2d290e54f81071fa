import Link from "next/link";

// Links of the Pages Router ask for /_next/data/.
export default function Page() {
  return (
    <main>
      <h1>Pages Router</h1>
      <Link href="/legacy" prefetch={false}>Legacy</Link>
      <Link href="/pages-router/public" prefetch={false}>Public</Link>
    </main>
  );
}

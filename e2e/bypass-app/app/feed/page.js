import Link from "next/link";

export default function Page() {
  return (
    <>
      <h1>PUBLIC-MARK-feed</h1>
      <Link href="/photo/1" prefetch={false}>photo</Link>
    </>
  );
}

export default function Page() {
  return <h1>Prefetched sign-in</h1>;
}

export default function Page() {
  return <h1>Prefetched account</h1>;
}

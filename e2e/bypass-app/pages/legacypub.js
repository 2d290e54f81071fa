export default function Page() {
  return <h1>PUBLIC-MARK-legacypub</h1>;
}

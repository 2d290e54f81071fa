export default function Page() {
  return <h1>SECRET-MARK-legacy-plain</h1>;
}

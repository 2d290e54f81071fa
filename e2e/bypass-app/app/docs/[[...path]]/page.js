export default function Page() {
  return <h1>PUBLIC-MARK-docs</h1>;
}

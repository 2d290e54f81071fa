export default function Page() {
  return <h1>PUBLIC-MARK-home</h1>;
}

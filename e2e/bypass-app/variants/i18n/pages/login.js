export default function Page() {
  return <h1>PUBLIC-MARK-login</h1>;
}

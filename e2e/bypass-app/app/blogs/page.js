export default function Page() {
  return <h1>SECRET-MARK-blogs</h1>;
}

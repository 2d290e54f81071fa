export default function Page() {
  return <h1>SECRET-MARK-gallery</h1>;
}

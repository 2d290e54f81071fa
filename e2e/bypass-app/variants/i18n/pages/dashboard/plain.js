export default function Page() {
  return <h1>SECRET-MARK-dashboard-plain</h1>;
}

export default function Page() {
  return <h1>SECRET-MARK-dashboard-settings</h1>;
}

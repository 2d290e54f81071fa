export default function Page() {
  return <h1>SECRET-MARK-locale-dashboard-settings</h1>;
}

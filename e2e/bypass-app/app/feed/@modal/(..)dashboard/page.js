export default function Page() {
  return <h1>SECRET-MARK-modal-dashboard</h1>;
}

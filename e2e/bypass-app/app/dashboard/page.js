import { ReportButton } from "./report-button";

// Rendered at build time, so its answer carries a Cache-Control header that invites shared caches.
export default function Page() {
  return (
    <>
      <h1>SECRET-MARK-dashboard</h1>
      <ReportButton />
    </>
  );
}

import { headers } from "next/headers";
import { ReportButton } from "./report-button";

export default async function Page() {
  const user = (await headers()).get("x-session-user") ?? "nobody";
  return (
    <>
      <h1>SECRET-MARK-dashboard</h1>
      <p id="user">{user}</p>
      <ReportButton />
    </>
  );
}

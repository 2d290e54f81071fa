import { headers } from "next/headers";

// Rendered for each request.
export default async function Page() {
  const user = (await headers()).get("x-session-user") ?? "nobody";
  return (
    <>
      <h1>SECRET-MARK-dashboard-settings</h1>
      <p id="user">{user}</p>
    </>
  );
}

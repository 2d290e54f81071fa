import { getSession } from "../lib/auth";

export const metadata = { title: "Browser test app" };

export default async function RootLayout({ children }) {
  const session = await getSession();
  return (
    <html lang="en">
      <body>
        <header>{session ? `Signed in as ${session.user.name}` : "Signed out"}</header>
        {children}
      </body>
    </html>
  );
}

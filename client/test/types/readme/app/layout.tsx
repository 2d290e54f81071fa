import { getSession } from "@/lib/auth";
import { SessionProvider } from "caddy-session-guard/client";
export default async function RootLayout({ children }) {
  const session = await getSession();
  return (
    <html>
      <body>
        <SessionProvider initialSession={session} fetchOnMount={false}>
          {children}
        </SessionProvider>
      </body>
    </html>
  );
}

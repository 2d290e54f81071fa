import { getFormatter, getTranslations, setRequestLocale } from "next-intl/server";
import { headers } from "next/headers";
import { connection } from "next/server";
import { SessionTimer } from "@/components/session-timer";
import { getSession } from "@/lib/auth";
import { pageTitle } from "@/lib/metadata";

const moment = { day: "numeric", month: "short", hour: "numeric", minute: "2-digit", timeZoneName: "short" } as const;

export const generateMetadata = pageTitle("dashboard");

export default async function DashboardPage({ params }: { params: Promise<{ locale: string }> }) {
  setRequestLocale((await params).locale);
  const [t, format, session, requestHeaders] = await Promise.all([
    getTranslations("dashboard"),
    getFormatter(),
    getSession(),
    headers(),
    connection(), // the page tells how long ago something was, so it is never rendered ahead
  ]);
  if (!session) {
    return null; // the guard lets nobody in without a session; see Caddyfile
  }

  const { user, createdAt, lastActivity = createdAt } = session;
  const facts = [
    { label: t("since"), at: createdAt },
    { label: t("active"), at: lastActivity },
  ];
  const cookieNames = (requestHeaders.get("cookie") ?? "").split(";").map((pair) => pair.split("=")[0].trim());
  const seen = [
    { name: "X-Session-Realm", value: requestHeaders.get("x-session-realm") },
    { name: "X-Session-User", value: requestHeaders.get("x-session-user") },
    { name: "Cookie", value: cookieNames.filter(Boolean).join(", ") || t("seen.noCookie") },
  ];
  return (
    <>
      <section>
        <h1 data-testid="greeting">{t("greeting", { name: user.name })}</h1>
        <p className="muted">
          <bdi>{user.email}</bdi> · {t(`role.${user.role}`)}
        </p>
      </section>
      <SessionTimer />
      <dl className="facts">
        {facts.map(({ label, at }) => (
          <div key={label} className="card">
            <dt>{label}</dt>
            <dd>
              <strong>{format.relativeTime(at, Date.now())}</strong>
              <time dateTime={new Date(at).toISOString()}>{format.dateTime(at, moment)}</time>
            </dd>
          </div>
        ))}
      </dl>
      <section className="card">
        <h2>{t("seen.title")}</h2>
        <p className="muted">{t("seen.text")}</p>
        <table>
          <tbody>
            {seen.map(({ name, value }) => (
              <tr key={name}>
                <th scope="row">
                  <code dir="ltr">{name}</code>
                </th>
                <td>
                  <bdi>{value}</bdi>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}

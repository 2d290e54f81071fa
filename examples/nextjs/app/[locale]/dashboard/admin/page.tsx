import { getTranslations, setRequestLocale } from "next-intl/server";
import { pageTitle } from "@/lib/metadata";
import { demoUsers } from "@/lib/users";

export const generateMetadata = pageTitle("admin");

// The Caddyfile asks for `require user.role admin` here: anybody else gets 403 from Caddy.
export default async function AdminPage({ params }: { params: Promise<{ locale: string }> }) {
  setRequestLocale((await params).locale);
  const t = await getTranslations("admin");
  return (
    <section className="card">
      <h1>{t("title")}</h1>
      <p className="muted">{t("intro")}</p>
      <table className="users">
        <thead>
          <tr>
            <th scope="col">{t("name")}</th>
            <th scope="col">{t("email")}</th>
            <th scope="col">{t("role")}</th>
          </tr>
        </thead>
        <tbody>
          {demoUsers.map((user) => (
            <tr key={user.id}>
              <td>{user.name}</td>
              <td>
                <Email address={user.email} />
              </td>
              <td>{t(`roles.${user.role}`)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** An address that is broken at its sign, if it must. */
function Email({ address }: { address: string }) {
  const [name, domain] = address.split("@");
  return (
    <bdi>
      {name}@<wbr />
      {domain}
    </bdi>
  );
}

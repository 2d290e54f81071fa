/** Caddy guards the site in another realm: its session is not this configuration's, and it would ignore what is handed over here. */
export class RealmMismatch extends Error {
  constructor(told: string, configured: string) {
    const realm = JSON.stringify(told);
    super(`Caddy's session_guard has realm ${realm}, the app's configuration has ${JSON.stringify(configured)}: write realm: ${realm} in session of NextAuthSession.`);
  }
}

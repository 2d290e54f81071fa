/** A page without a check of its own: Caddy guards it, or nobody. */
export default function Page() {
  return <h1>Settings</h1>;
}

// An inline action: it belongs to this page alone and has no exported name.
export default function Page() {
  async function erase() {
    "use server";
    return "SECRET-MARK-action-admin";
  }
  return (
    <form action={erase}>
      <h1>SECRET-MARK-admin</h1>
      <button>erase</button>
    </form>
  );
}

// An open page in a route group: the manifest names the action's owner with the group in its path.
export default function Page() {
  async function greet() {
    "use server";
    return "PUBLIC-MARK-action-grouped";
  }
  return (
    <form action={greet}>
      <h1>PUBLIC-MARK-grouped</h1>
      <button>greet</button>
    </form>
  );
}

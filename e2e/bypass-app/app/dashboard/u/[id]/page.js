export default async function Page({ params }) {
  const { id } = await params;
  return (
    <h1>
      SECRET-MARK-dashboard-user <code>{String(id)}</code>
    </h1>
  );
}

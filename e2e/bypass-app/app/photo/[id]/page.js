export default async function Page({ params }) {
  const { id } = await params;
  return (
    <h1>
      SECRET-MARK-photo <code>{String(id)}</code>
    </h1>
  );
}

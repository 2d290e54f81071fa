export default async function Page({ params }) {
  const { id } = await params;
  return (
    <h1>
      SECRET-MARK-locale-user <code>{parseInt(id)}</code>
    </h1>
  );
}

export default async function Page({ params }) {
  const { path } = await params;
  return (
    <h1>
      SECRET-MARK-files <code>{String(path)}</code>
    </h1>
  );
}

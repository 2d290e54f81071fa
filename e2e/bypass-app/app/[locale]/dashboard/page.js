export default async function Page({ params }) {
  const { locale } = await params;
  return (
    <h1>
      SECRET-MARK-locale-dashboard <code>{String(locale)}</code>
    </h1>
  );
}

// Takes every path that nothing else takes, and nothing of it is open.
export default async function Page({ params }) {
  const { slug } = await params;
  return (
    <h1>
      SECRET-MARK-parameters <code>{slug.join(" ")}</code>
    </h1>
  );
}

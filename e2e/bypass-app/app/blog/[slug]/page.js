export default async function Page({ params }) {
  const { slug } = await params;
  return (
    <h1>
      PUBLIC-MARK-blog-slug <code>{String(slug)}</code>
    </h1>
  );
}

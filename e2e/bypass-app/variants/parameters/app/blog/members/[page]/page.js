export default async function Members({ params }) {
  return <h1>SECRET-MARK-members {(await params).page}</h1>;
}

export default function Page() {
  return <h1>PUBLIC-MARK-blog</h1>;
}

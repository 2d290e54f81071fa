// An open API route below which one path is guarded. Next.js takes the parameter from the query
// where the path has none.
export default function handler(request, response) {
  const path = [request.query.path ?? []].flat().join("/");
  response.status(200).json({ mark: path.startsWith("private") ? "SECRET-MARK-store" : `PUBLIC-MARK-store ${path}` });
}

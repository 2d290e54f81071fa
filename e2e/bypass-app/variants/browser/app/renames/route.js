export const dynamic = "force-dynamic";

export function GET() {
  return Response.json(globalThis.renames ?? 0);
}

export const dynamic = "force-dynamic";

export function GET() {
  return Response.json({ mark: "PUBLIC-MARK-api" });
}

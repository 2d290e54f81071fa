export const dynamic = "force-dynamic";

export function GET() {
  return Response.json({ mark: "SECRET-MARK-api-secret" });
}

export const POST = GET;

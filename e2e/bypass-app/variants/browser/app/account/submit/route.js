export const dynamic = "force-dynamic";

export function GET() {
  return new Response("submitted nothing");
}

export function POST() {
  return new Response("submitted");
}

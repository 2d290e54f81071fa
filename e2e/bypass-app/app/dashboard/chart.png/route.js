import { readFile } from "node:fs/promises";
import path from "node:path";

export const dynamic = "force-dynamic";

// An image that a route handler makes; the file stands in for the drawing.
export async function GET() {
  const image = await readFile(path.join(process.cwd(), "public", "dashboard", "secret.png"));
  return new Response(image, { headers: { "Content-Type": "image/png" } });
}

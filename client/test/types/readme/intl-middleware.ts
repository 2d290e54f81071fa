import type { NextRequest } from "next/server";
import { middleware } from "@/lib/auth";
import createIntlMiddleware from "next-intl/middleware";

const intlMiddleware = createIntlMiddleware({
  locales: ["en", "ar", "es"],
  defaultLocale: "en",
});
export default async function combinedMiddleware(request: NextRequest) {
  const response = intlMiddleware(request);
  if (response.ok) {
    const authResponse = await middleware()(request);
    if (authResponse.status !== 200) {
      return authResponse;
    }
  }
  return response;
}

import { middleware } from "@/lib/auth";
export default middleware();
export const config = {
  matcher: ["/((?!api|_next|static|.*\\..*).*)"],
};

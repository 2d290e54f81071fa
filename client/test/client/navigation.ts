import { vi } from "vitest";

// Stands in for next/navigation.js, which works inside Next.js only.

export const router = { refresh: vi.fn(), replace: vi.fn() };
/** While there is an `unknown`, usePathname() waits for it, as it does while Next.js prerenders a route with unknown parameters. */
export const location: { pathname: string; unknown?: Promise<void> } = { pathname: "/" };

export const useRouter = () => router;
export const usePathname = () => {
  if (location.unknown) throw location.unknown;
  return location.pathname;
};

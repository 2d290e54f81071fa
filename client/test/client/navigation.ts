import { vi } from "vitest";

// Stands in for next/navigation.js, which works inside Next.js only.

export const router = { refresh: vi.fn(), replace: vi.fn() };
export const location = { pathname: "/" };

export const useRouter = () => router;
export const usePathname = () => location.pathname;

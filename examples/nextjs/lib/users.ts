import { timingSafeEqual } from "node:crypto";
import type { AppUser } from "./auth";

/** The password of every demo account. A real app asks its user database instead. */
export const demoPassword = "open sesame";

export const demoUsers: AppUser[] = [
  { id: "1", name: "Amira Haddad", email: "amira@example.com", role: "admin" },
  { id: "2", name: "Jonas Berg", email: "jonas@example.com", role: "member" },
];

export function checkPassword(email: string, password: string): AppUser | undefined {
  const given = Buffer.from(password);
  const wanted = Buffer.from(demoPassword);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
    return undefined;
  }
  return demoUsers.find((user) => user.email === email.trim().toLowerCase());
}

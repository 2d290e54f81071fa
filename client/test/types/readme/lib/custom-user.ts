import type { User, Session } from "caddy-session-guard";
import { getSession } from "@/lib/auth";

interface MyUser extends User {
  id: string;
  email: string;
  name: string;
  role: "admin" | "user";
  permissions: string[];
}
// Type-safe session operations
const session = await getSession<MyUser>();
session?.user.role; // "admin" | "user"

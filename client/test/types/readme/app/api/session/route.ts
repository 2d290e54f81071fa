import { handlers } from "@/lib/auth";
export const { GET, POST, PATCH, DELETE } = handlers();

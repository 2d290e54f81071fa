import { createSession } from "@/lib/auth";
import { redirect } from "next/navigation";

export async function loginAction(formData: FormData) {
  "use server";
  // Validate credentials...
  const user = await validateUser(formData);
  if (!user) {
    return { error: "Invalid credentials" };
  }
  const result = await createSession(user, {
    accessToken: "optional-token",
    refreshToken: "optional-refresh-token",
  });
  if (result.success) {
    redirect("/dashboard");
  }
  return { error: result.error };
}

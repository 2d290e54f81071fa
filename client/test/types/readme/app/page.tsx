import { getSession } from "@/lib/auth";
export default async function DashboardPage() {
  const session = await getSession();
  if (!session) {
    return <div>Not authenticated</div>;
  }
  return <div>Welcome, {session.user.name}</div>;
}

"use client";
import { refreshAction, logoutAction } from "@/lib/actions";
export function RefreshButton() {
  return <button onClick={() => refreshAction()}>Refresh Session</button>;
}

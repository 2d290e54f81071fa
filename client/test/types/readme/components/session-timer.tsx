import { useEffect } from "react";
import { useSessionExpiry, useRequireAuth, useUser } from "caddy-session-guard/client";
function SessionTimer() {
  const { expiresAt, expiresIn, isExpiringSoon, recalculate } = useSessionExpiry();
  // Manually recalculate expiry time
  useEffect(() => {
    const interval = setInterval(recalculate, 1000);
    return () => clearInterval(interval);
  }, [recalculate]);
  if (!expiresAt) return null;
  return (
    <div>
      {isExpiringSoon && <span>Session expiring soon!</span>}
      <span>Expires in: {Math.floor((expiresIn ?? 0) / 1000)}s</span>
    </div>
  );
}
const { user, isAuthenticated, isLoading } = useUser();
const required: { isLoading: boolean; isAuthenticated: boolean } = useRequireAuth("/login");

import { NextAuthSession, route } from "caddy-session-guard";

NextAuthSession({
  session: {
    // Required: Secret key (defaults to SESSION_SECRET env var)
    secretKey: process.env.SESSION_SECRET,
    // Session expiry in seconds (default: 7 days)
    sessionExpiry: 60 * 60 * 24 * 7,
    // Auto-refresh threshold in seconds (default: 1 day)
    refreshThreshold: 60 * 60 * 24,
    // Cookie name (default: "session")
    cookieName: "session",
    // Auto-refresh session on read (default: true)
    autoRefresh: true,
    // Secure cookie in production (default: true in production)
    secureCookie: process.env.NODE_ENV === "production",
    // SameSite cookie attribute (default: "lax")
    sameSite: "lax",
    // Custom validation callback
    onValidate: async (session) => {
      // Return true if valid, false to invalidate
      return true;
    },
    // Custom refresh callback
    onRefresh: async (session) => {
      // Return updated session or null
      return session;
    },
  },
});

NextAuthSession({
  middleware: {
    // Route rules
    routes: [
      route.public("/login"), // Only for unauthenticated users
      route.auth("/dashboard/*"), // Only for authenticated users
      route.hybrid("/"), // For everyone
    ],
    // Default route type (default: "hybrid")
    defaultType: "hybrid",
    // Redirect paths
    loginPath: "/login",
    homePath: "/",
    // i18n locale prefixes to strip
    locales: ["en", "ar"],
    // Custom authorization
    authorize: async (isAuthenticated, request, rule) => {
      // Return NextResponse to override
      // Return undefined for default behavior
    },
  },
});

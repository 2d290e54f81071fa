/** The person a session belongs to. Extend it with the fields of your app. */
export interface User {
  /** Never empty, without control characters or outer white space; it cannot change during a session. */
  id: string;
  email?: string;
  name?: string;
  image?: string;
  [key: string]: unknown;
}

/** A session as the app sees it. Times are milliseconds since the epoch. */
export interface Session<T extends User = User> {
  user: T;
  /** Present only where tokens were asked for, see {@link GetSessionOptions}. */
  accessToken?: string;
  refreshToken?: string;
  expiresAt: number;
  /** `expiresAt` as ISO 8601. */
  expiryDate: string;
  createdAt: number;
  lastActivity?: number;
}

/** Tokens of an identity provider that travel inside the session. */
export interface SessionTokens {
  accessToken?: string | undefined;
  refreshToken?: string | undefined;
}

/** The named top-level user fields are replaced; `null` removes one, and undefined leaves it. `id` cannot change. */
export type UserUpdate<T extends User = User> = { [K in keyof T]?: T[K] | null | undefined };

/** What `updateSession` changes: the named user fields and tokens are replaced, `null` removes one. */
export interface SessionUpdate<T extends User = User> {
  user?: UserUpdate<T> | undefined;
  accessToken?: string | null | undefined;
  refreshToken?: string | null | undefined;
}

/** How an operation on the session ended. The session never holds tokens, so it may be sent to the browser. */
export type SessionResult<T extends User = User> =
  | { success: true; session?: Session<T>; error?: undefined }
  | { success: false; error: string; session?: undefined };

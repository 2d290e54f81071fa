export { NextAuthSession, type GetSessionOptions } from "./factory.js";
export { patterns, route, type RouteRule, type RouteType } from "./route.js";
export { returnTo, type ReturnToOptions } from "./return-to.js";
export type { Authorize, MiddlewareConfig, NextAuthSessionConfig, ResolvedSessionConfig, SessionConfig } from "./config.js";
export type { MiddlewareHandler } from "./middleware.js";
export type { Session, SessionResult, SessionTokens, SessionUpdate, User, UserUpdate } from "./types.js";

import { NextAuthSession } from "caddy-session-guard";

export const { createSession, deleteSession, getSession } = NextAuthSession();

import { NextAuthSession, returnTo, type Session, type User } from "caddy-session-guard";
import { SessionProvider, useSession, useUser } from "caddy-session-guard/client";
import { expectTypeOf, test } from "vitest";

// Checked by tsc only.

interface MyUser extends User {
  role: "admin" | "user";
}

test("the factory's user type is that of its functions", async () => {
  const auth = NextAuthSession<MyUser>({ session: { onValidate: (session) => session.user.role === "admin" } });
  expectTypeOf(await auth.getSession()).toEqualTypeOf<Session<MyUser> | null>();
  const result = await auth.updateSession({ user: { role: "admin", name: null } });
  if (result.success) expectTypeOf(result.session).toEqualTypeOf<Session<MyUser> | undefined>();
  else expectTypeOf(result.error).toEqualTypeOf<string>();
  // @ts-expect-error not a role
  await auth.updateSession({ user: { role: "owner" } });
  await auth.actions.update({ user: { role: "admin", name: null } });
  // @ts-expect-error a browser changes no token
  await auth.actions.update({ user: { name: "Grace" }, accessToken: "at" });
  // @ts-expect-error a user needs an id
  await auth.createSession({ role: "admin" });
});

test("a setting may be undefined, as what the environment has not is", () => {
  const secretKey = process.env.SESSION_SECRET;
  const { config } = NextAuthSession({ session: { secretKey, sessionExpiry: undefined }, middleware: { homePath: process.env.HOME_PATH } });
  expectTypeOf(config.sessionExpiry).toEqualTypeOf<number>();
});

test("so may what is given to functions, hooks and the provider", async () => {
  const { actions, createSession, getSession, updateSession } = NextAuthSession();
  await createSession({ id: "1" }, { accessToken: process.env.TOKEN });
  await updateSession({ user: undefined, accessToken: process.env.TOKEN });
  await getSession({ tokens: undefined });
  await useSession().update({ user: undefined });
  const form: { name?: string | undefined } = {};
  await updateSession({ user: form });
  await useSession().update({ user: form });
  await actions.update({ user: form });
  returnTo("/", "/", { basePath: process.env.BASE_PATH });
  const unknown: undefined | Session = undefined;
  <SessionProvider initialSession={unknown} fetchOnMount={undefined} refreshInterval={undefined} onSessionChange={undefined} basePath={undefined} />;
});

test("a call may name its own user type", async () => {
  const { getSession } = NextAuthSession();
  expectTypeOf((await getSession<MyUser>())?.user.role).toEqualTypeOf<"admin" | "user" | undefined>();
});

test("status tells whether there is a session", () => {
  const { status, session, logout } = useSession<MyUser>();
  if (status === "authenticated") expectTypeOf(session).toEqualTypeOf<Session<MyUser>>();
  else expectTypeOf(session).toEqualTypeOf<null>();
  <button onClick={logout} />;
  expectTypeOf(useUser<MyUser>().user).toEqualTypeOf<MyUser | null>();
});

test("the provider takes a session, nobody, or a promise of either", () => {
  const { getSession, clientConfig } = NextAuthSession();
  <SessionProvider {...clientConfig} initialSession={getSession()} />;
  <SessionProvider initialSession={null} onSessionChange={(session) => expectTypeOf(session).toEqualTypeOf<Session | null>()} />;
  // @ts-expect-error not a session
  <SessionProvider initialSession={{ user: { id: "1" } }} />;
});

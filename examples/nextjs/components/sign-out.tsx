import { logout } from "@/app/actions";

export function SignOut({ locale, label }: { locale: string; label: string }) {
  return (
    <form action={logout}>
      <input type="hidden" name="locale" value={locale} />
      <button className="link" type="submit">
        {label}
      </button>
    </form>
  );
}

import { LoginForm } from "../../login/login-form";

export default async function Page({ params }) {
  const { locale } = await params;
  return (
    <>
      <h1>PUBLIC-MARK-locale-login {locale}</h1>
      <LoginForm />
    </>
  );
}

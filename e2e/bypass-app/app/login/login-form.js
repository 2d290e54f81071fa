"use client";

import { useState } from "react";
import { go, ping, submit } from "./actions";

export function LoginForm() {
  const [answer, setAnswer] = useState("");
  return (
    <>
      <form action={go}>
        <input name="next" defaultValue="/dashboard" />
        <button id="go">go</button>
      </form>
      <button id="ping" onClick={async () => setAnswer(await ping("x"))}>ping</button>
      <form action={submit}>
        <input name="name" />
        <button id="submit">submit</button>
      </form>
      <output>{answer}</output>
    </>
  );
}

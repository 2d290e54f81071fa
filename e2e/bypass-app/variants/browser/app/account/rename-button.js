"use client";

import { useState } from "react";
import { rename } from "./actions";

export function RenameButton() {
  const [answer, setAnswer] = useState("");
  return (
    <>
      <button onClick={async () => setAnswer(await rename())}>Rename</button>
      <output>{answer}</output>
    </>
  );
}

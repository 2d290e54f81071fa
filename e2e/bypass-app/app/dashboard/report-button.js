"use client";

import { useState } from "react";
import { readReport, renameReport } from "./actions";

// A client component: the ids of both actions stand in a public file below /_next/static.
export function ReportButton() {
  const [answer, setAnswer] = useState("");
  return (
    <>
      <button id="read" onClick={async () => setAnswer(await readReport("x"))}>read</button>
      <button id="rename" onClick={async () => setAnswer(await renameReport("x"))}>rename</button>
      <output>{answer}</output>
    </>
  );
}

import { execFileSync } from "node:child_process";

/** The system's Chromium; installed by apt where this user may. Undefined where there is none and none can be had. */
export function findChromium() {
  return locate() ?? (install() ? locate() : undefined);
}

export const missing = "Chromium is missing: install the package `chromium` (apt-get install chromium).";

function locate() {
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    try {
      return execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
    } catch {
      // not this one
    }
  }
  return undefined;
}

function install() {
  if (process.getuid?.() !== 0) return false;
  try {
    console.log("Installing the package chromium.");
    execFileSync("sh", ["-c", "apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null"], { stdio: "inherit" });
    return true;
  } catch {
    return false;
  }
}

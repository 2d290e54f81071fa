"use client";

import { useFormatter, useTranslations } from "next-intl";
import { useCallback, useEffect, useState } from "react";
import { describeDevice } from "@/lib/device";

/** An entry of GET /api/session/list, which Caddy answers because the Caddyfile says `list on`. */
interface Device {
  createdAt: number;
  lastSeen: number;
  userAgent: string;
  address: string;
  current: boolean;
}

/** Where the user is signed in. */
export function Devices() {
  const t = useTranslations("devices");
  const format = useFormatter();
  const [list, setList] = useState<{ devices: Device[]; now: number }>();
  const [failed, setFailed] = useState(false);

  const load = useCallback(async () => {
    const answer = await ask("/api/session/list");
    setFailed(!answer);
    if (answer) setList({ devices: (await answer.json()).sessions, now: Date.now() });
  }, []);
  useEffect(() => void load(), [load]);

  async function signOutOthers() {
    if (await ask("/api/session/others", "DELETE")) await load();
    else setFailed(true);
  }

  return (
    <>
      <ul className="devices" data-testid="devices">
        {list?.devices.map(({ createdAt, lastSeen, userAgent, address, current }) => {
          const { browser, system } = describeDevice(userAgent);
          return (
            <li key={`${createdAt} ${userAgent} ${address}`}>
              <div>
                <strong>{browser && system ? t("device", { browser, system }) : (browser ?? system ?? t("unknown"))}</strong>
                <span className="muted">
                  {t("seen", { when: format.relativeTime(Math.min(lastSeen, list.now), list.now) })} · <bdi dir="ltr">{address}</bdi>
                </span>
              </div>
              {current && <span className="badge">{t("current")}</span>}
            </li>
          );
        })}
      </ul>
      {failed && (
        <p className="error" role="alert">
          {t("failed")}
        </p>
      )}
      {list && list.devices.length > 1 && (
        <button className="button quiet" type="button" onClick={signOutOthers}>
          {t("signOutOthers")}
        </button>
      )}
    </>
  );
}

/** The answer of the session API; undefined if it is a refusal, or if there is none. */
async function ask(path: string, method = "GET"): Promise<Response | undefined> {
  const answer = await fetch(path, { method }).catch(() => undefined);
  return answer?.ok ? answer : undefined;
}

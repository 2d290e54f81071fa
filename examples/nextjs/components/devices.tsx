"use client";

import { useSession } from "caddy-session-guard/client";
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
  const { refresh } = useSession();

  /** The answer of the session API; undefined if it is a refusal, or if there is none. */
  const ask = useCallback(
    async (path: string, method = "GET") => {
      const answer = await fetch(path, { method }).catch(() => undefined);
      if (answer?.ok) return answer;
      // 401: nobody is signed in any more, which the hooks learn by asking themselves. Then the page is left.
      if (answer?.status === 401) await refresh();
      else setFailed(true);
    },
    [refresh],
  );

  const load = useCallback(async () => {
    const answer = await ask("/api/session/list");
    if (!answer) return;
    setFailed(false);
    setList({ devices: (await answer.json()).sessions, now: Date.now() });
  }, [ask]);
  useEffect(() => void load(), [load]);

  async function signOutOthers() {
    if (await ask("/api/session/others", "DELETE")) await load();
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

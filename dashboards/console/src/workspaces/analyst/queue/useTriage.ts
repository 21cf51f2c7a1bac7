import { useCallback } from "react";
import { ApiError, send } from "../../../api/client";
import type { Alert, Triage } from "../../../api/types";
import { toast } from "../../../components/toast";
import { useProblemText } from "../../../components/States";
import { type Key, useSpeech } from "../../../i18n";
import { number } from "../../../lib/format";
import { type Act, backwards } from "./backwards";

export type { Act };

interface Hooks {
  put: (alerts: Alert[]) => void;
  /** Somebody else was faster: what is shown is out of date. */
  conflict: (id: string) => void;
}

const UNDO_SECONDS = 8;

/** Changes alerts at once, tells what was done and offers to undo it. */
export function useTriage({ put, conflict }: Hooks): (alerts: Alert[], act: Act) => Promise<void> {
  const { t, lang } = useSpeech();
  const problem = useProblemText();

  return useCallback(async (alerts: Alert[], act: Act) => {
    if (!alerts.length) return;
    const fail = (e: unknown): void => {
      if (!(e instanceof ApiError)) throw e;
      const clash = e.status === 409;
      toast(t(clash ? "triage.conflict" : "triage.failed", { detail: problem(e) }), { error: true });
      if (clash) alerts.forEach((a) => conflict(a.id));
    };
    try {
      const after = await change(alerts, act);
      put(after);
      const undo = async (): Promise<void> => {
        try {
          put((await Promise.all(backwards(alerts, after, act).map(([as, back]) => change(as, back)))).flat());
          toast(t("triage.undone"));
        } catch (e) {
          fail(e);
        }
      };
      const done: Key = act.state ? `triage.done.${act.state}` : "triage.done.assign";
      toast(t(done, { n: number(after.length, lang) }), { seconds: UNDO_SECONDS, action: { label: t("act.undo"), run: () => void undo() } });
    } catch (e) {
      fail(e);
    }
  }, [t, lang, problem, put, conflict]);
}

async function change(alerts: Alert[], act: Act): Promise<Alert[]> {
  const [only, ...others] = alerts;
  if (only && !others.length) {
    const body: Triage = { ...act, changed: only.changed };
    return [await send<Alert>("PATCH", `/alerts/${only.id}`, body)];
  }
  const done = await send<{ items: Alert[] }>("POST", "/alerts/triage", { ids: alerts.map((a) => a.id), ...act });
  return done.items;
}

import { Button } from "antd";
import type { ReactNode } from "react";
import type { Alert } from "../../../api/types";
import { useSpeech } from "../../../i18n";
import { number } from "../../../lib/format";
import { useHere } from "../../../session";
import type { Act } from "./useTriage";

const STATES = ["in_progress", "resolved", "false_positive", "new"] as const;

export function Bulk({ alerts, triage, clear }: { alerts: Alert[]; triage: (alerts: Alert[], act: Act) => Promise<void>; clear: () => void }): ReactNode {
  const { t, lang } = useSpeech();
  const { session } = useHere();
  const act = (what: Act): void => {
    void triage(alerts, what);
    clear();
  };
  return (
    <div className="bulk" role="toolbar" aria-label={t("queue.selected", { n: number(alerts.length, lang) })}>
      <strong className="num">{t("queue.selected", { n: number(alerts.length, lang) })}</strong>
      {STATES.map((state) => <Button key={state} size="small" onClick={() => act({ state })}>{t(`triage.${state}`)}</Button>)}
      <Button size="small" onClick={() => act({ assignee: session.actor })}>{t("triage.assign")}</Button>
      <Button size="small" type="text" onClick={clear}>{t("queue.select.none")}</Button>
    </div>
  );
}

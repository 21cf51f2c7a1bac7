import { Button, Popover } from "antd";
import { type ReactNode, useEffect, useRef } from "react";
import { listen } from "../../../api/stream";
import type { Alert, AlertDetail } from "../../../api/types";
import { useLoad } from "../../../api/useLoad";
import { Icon } from "../../../components/Icon";
import { Safe, Severity, State } from "../../../components/Show";
import { Failed, Skeleton } from "../../../components/States";
import { toast } from "../../../components/toast";
import { inside } from "../../../components/inside";
import { useSpeech } from "../../../i18n";
import { number } from "../../../lib/format";
import { useHere } from "../../../session";
import type { Act } from "../queue/useTriage";
import { ActivityLog } from "./ActivityLog";
import { ChartSection } from "./ChartSection";
import { Evidence } from "./Evidence";
import { Facts } from "./Facts";
import { Findings } from "./Findings";
import { WarningLinks } from "./WarningLinks";
import { Why } from "./Why";
import "../../../styles/detail.css";

export interface DetailProps {
  id: string;
  /** Counts up when what is shown must be asked for again. */
  round: number;
  close: () => void;
  triage: (alerts: Alert[], act: Act) => Promise<void>;
  put: (alerts: Alert[]) => void;
  /** The alert as the list has it, newer than what was loaded after a live change. */
  live: Alert | undefined;
}

const STATES = ["new", "in_progress", "resolved", "false_positive"] as const;

export default function Panel({ id, round, close, triage, put, live }: DetailProps): ReactNode {
  const { t, say, lang } = useSpeech();
  const loaded = useLoad<AlertDetail>(`/alerts/${id}`);
  const title = useRef<HTMLHeadingElement>(null);
  const { data, error, reload } = loaded;
  const changed = live?.changed;
  useEffect(() => {
    if (round || (changed && data && changed > data.changed)) reload();
    // What was loaded is compared with, it does not ask for itself.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [round, changed, reload]);

  useEffect(() => listen((change) => {
    if (change.object === "alert" && change.object_id === id) reload();
  }), [id, reload]);

  if (error && !data) return <aside className="detail" aria-label={t("detail.label")}><Bar close={close} /><Failed error={error} retry={reload} /></aside>;
  if (!data) return <aside className="detail" aria-label={t("detail.label")}><Bar close={close} /><Skeleton lines={12} /></aside>;
  const alert: Alert = live && live.changed >= data.changed ? { ...data, ...live } : data;
  return (
    <aside className="detail" aria-label={t("detail.label")}>
      <Bar close={close} />
      <header>
        <h2 ref={title} className="title">{say(alert.title)}</h2>
        <p className="story"><Safe>{say(alert.summary)}</Safe></p>
        <div className="row">
          <Severity value={alert.severity} />
          <span className="muted">{t("detail.confidence")} <span className="num">{number(alert.confidence, lang)}%</span></span>
          <State value={alert.state} />
        </div>
      </header>
      <Controls alert={alert} triage={triage} />
      <Facts alert={data} />
      <Why explanation={data.explanation} />
      <ChartSection id={id} />
      <Evidence alert={data} />
      <Findings alert={data} />
      <WarningLinks warnings={data.warnings} />
      <ActivityLog alert={data} put={put} reload={reload} />
    </aside>
  );
}

function Bar({ close }: { close: () => void }): ReactNode {
  const { t } = useSpeech();
  const copy = (): void => void navigator.clipboard.writeText(location.href).then(() => toast(t("act.copied")));
  return (
    <div className="detail-bar">
      {"clipboard" in navigator ? <button type="button" className="icon-button" onClick={copy}><Icon name="link" />{t("detail.copyLink")}</button> : <span />}
      <button type="button" className="icon-button" aria-label={t("act.close")} title={`${t("act.close")} (Esc)`} onClick={close}><Icon name="close" /></button>
    </div>
  );
}

function Controls({ alert, triage }: { alert: Alert; triage: DetailProps["triage"] }): ReactNode {
  const { t, word } = useSpeech();
  const { session } = useHere();
  const mine = alert.assignee === session.actor;
  const menu = (
    <ul className="menu">
      {!mine && <li><button type="button" onClick={() => void triage([alert], { assignee: session.actor })}>{t("triage.assign")}</button></li>}
      {alert.assignee && <li><button type="button" onClick={() => void triage([alert], { assignee: "" })}>{t("triage.unassign")}</button></li>}
    </ul>
  );
  return (
    <div className="row controls">
      <div className="segments" role="group" aria-label={t("alert.state")}>
        {STATES.map((s) => (
          <button key={s} type="button" aria-pressed={alert.state === s} disabled={alert.state === "withdrawn"} onClick={() => alert.state !== s && void triage([alert], { state: s })}>{word("alert.state", s)}</button>
        ))}
      </div>
      <Popover trigger="click" placement="bottomRight" arrow={false} destroyOnHidden getPopupContainer={inside} content={menu}>
        <Button icon={<Icon name="person" size={14} />} aria-haspopup="true"><span className="hidden">{t("detail.assignee")}: </span>{alert.assignee || t("detail.nobody")}</Button>
      </Popover>
    </div>
  );
}

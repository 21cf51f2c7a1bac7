import { Button, Input } from "antd";
import { type ReactNode, useState } from "react";
import { ApiError, send } from "../../../api/client";
import type { Activity, Alert, AlertDetail, Json } from "../../../api/types";
import { Safe, Time } from "../../../components/Show";
import { useProblemText } from "../../../components/States";
import { toast } from "../../../components/toast";
import { useSpeech } from "../../../i18n";

const SHOWN = 12;

export function ActivityLog({ alert, put, reload }: { alert: AlertDetail; put: (alerts: Alert[]) => void; reload: () => void }): ReactNode {
  const { t } = useSpeech();
  const problem = useProblemText();
  const [comment, setComment] = useState("");
  const [all, setAll] = useState(false);
  const [busy, setBusy] = useState(false);
  const say = async (): Promise<void> => {
    setBusy(true);
    try {
      put([await send<Alert>("PATCH", `/alerts/${alert.id}`, { comment: comment.trim() })]);
      setComment("");
      reload();
    } catch (e) {
      if (!(e instanceof ApiError)) throw e;
      toast(t("triage.failed", { detail: problem(e) }), { error: true });
    }
    setBusy(false);
  };
  const shown = all ? alert.activity : alert.activity.slice(0, SHOWN);
  return (
    <section>
      <h3>{t("detail.activity")}</h3>
      <div className="comment">
        <Input.TextArea aria-label={t("detail.comment")} placeholder={t("detail.comment.hint")} autoSize={{ minRows: 2, maxRows: 8 }} maxLength={4000} value={comment} onChange={(e) => setComment(e.target.value)} />
        <Button disabled={!comment.trim()} loading={busy} onClick={() => void say()}>{t("detail.comment.send")}</Button>
      </div>
      {!alert.activity.length && <p className="muted">{t("detail.activity.none")}</p>}
      <ol className="timeline">{shown.map((a) => <Entry key={a.seq} entry={a} />)}</ol>
      {alert.activity.length > shown.length && <button type="button" className="link" onClick={() => setAll(true)}>{t("detail.more", { n: alert.activity.length - shown.length })}</button>}
    </section>
  );
}

export function Entry({ entry }: { entry: Activity }): ReactNode {
  const { word } = useSpeech();
  const comment = entry.body.comment;
  return (
    <li>
      <span><strong>{word("actor", entry.actor)}</strong> {word("act", entry.act)} <Changes body={entry.body} /></span>
      <Time value={entry.at} seconds />
      {typeof comment === "string" && comment && <blockquote><Safe>{comment}</Safe></blockquote>}
    </li>
  );
}

const isObject = (v: Json | undefined): v is { [key: string]: Json } => typeof v === "object" && v !== null && !Array.isArray(v);

/** Before and after where a person changed something, else the new values. */
function Changes({ body }: { body: Activity["body"] }): ReactNode {
  const { word, t } = useSpeech();
  const text = (name: string, v: Json | undefined): string => {
    if (name === "assignee") return typeof v === "string" && v ? v : t("detail.nobody");
    if (name === "state") return word("alert.state", String(v));
    if (name === "severity") return word("severity", String(v));
    return typeof v === "string" ? v : JSON.stringify(v);
  };
  const before = isObject(body.before) ? body.before : {};
  const after = isObject(body.after) ? body.after : body;
  const names = ["state", "assignee", "severity"].filter((n) => after[n] !== undefined && after[n] !== before[n]);
  return names.map((n) => (
    <span key={n} className="change">{before[n] !== undefined && <><s>{text(n, before[n])}</s> → </>}{text(n, after[n])}</span>
  ));
}

import { Input } from "antd";
import { type ReactNode, useState } from "react";
import { BusyButton } from "../../../components/BusyButton";
import { ApiError, send } from "../../../api/client";
import type { Alert, AlertDetail } from "../../../api/types";
import { useProblemText } from "../../../components/States";
import { Timeline } from "../../../components/Timeline";
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
        <BusyButton disabled={!comment.trim()} busy={busy} onClick={() => void say()}>{t("detail.comment.send")}</BusyButton>
      </div>
      {!alert.activity.length && <p className="muted">{t("detail.activity.none")}</p>}
      <Timeline entries={shown} />
      {alert.activity.length > shown.length && <button type="button" className="link" onClick={() => setAll(true)}>{t("detail.more", { n: alert.activity.length - shown.length })}</button>}
    </section>
  );
}

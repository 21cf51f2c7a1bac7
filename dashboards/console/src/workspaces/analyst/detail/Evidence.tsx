import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { BusyButton } from "../../../components/BusyButton";
import { ApiError, get } from "../../../api/client";
import type { AlertDetail, Event, Page } from "../../../api/types";
import { EventTable } from "../../../components/EventTable";
import { useProblemText } from "../../../components/States";
import { useSpeech } from "../../../i18n";

/** The events that the alert names, and on demand all that are behind it. */
export function Evidence({ alert }: { alert: AlertDetail }): ReactNode {
  const { t } = useSpeech();
  const problem = useProblemText();
  const [all, setAll] = useState<{ items: Event[]; next: string | null } | null>(null);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState("");
  const more = (): void => {
    setBusy(true);
    get<Page<Event>>(`/alerts/${alert.id}/events`, { cursor: all?.next }).then(
      (page) => { setAll((old) => ({ items: [...(old?.items ?? []), ...page.items], next: page.next })); setFault(""); setBusy(false); },
      (e: unknown) => { if (e instanceof ApiError) setFault(problem(e)); setBusy(false); },
    );
  };
  const events = all?.items ?? alert.evidence;
  return (
    <section>
      <h3>{t("detail.evidence")} <span className="muted">{t(all ? "detail.evidence.all" : "detail.evidence.some")}</span></h3>
      {events.length ? <EventTable events={events} /> : <p className="muted">{t("detail.evidence.none")}</p>}
      {alert.evidence_missing > 0 && <p className="muted small">{t("detail.evidence.missing", { n: alert.evidence_missing })}</p>}
      {fault && <p className="fault" role="alert">{fault}</p>}
      <div className="row">
        {!all && alert.filter && <BusyButton size="small" busy={busy} onClick={more}>{t("detail.evidence.all")}</BusyButton>}
        {all?.next && <BusyButton size="small" busy={busy} onClick={more}>{t("act.more")}</BusyButton>}
        {all && <Button size="small" type="text" onClick={() => setAll(null)}>{t("detail.evidence.some")}</Button>}
      </div>
    </section>
  );
}

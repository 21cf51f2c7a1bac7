import { type ReactNode, useEffect, useState } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { BusyButton } from "../../../components/BusyButton";
import { ApiError, get } from "../../../api/client";
import type { Event, Page } from "../../../api/types";
import { EventTable } from "../../../components/EventTable";
import { Empty, Failed, Skeleton } from "../../../components/States";
import { useSpeech } from "../../../i18n";
import { Conditions } from "./Conditions";
import { decode, encode, type EventAsk, KINDS } from "./ask";

export default function Events(): ReactNode {
  const { t, word } = useSpeech();
  const search = useSearch();
  const [, go] = useLocation();
  const ask = decode(search);
  const show = (next: EventAsk): void => go(encode(next));
  return (
    <div className="page">
      <header><h1>{t("events.title")}</h1></header>
      <div className="segments" role="group" aria-label={t("events.kind")}>
        {KINDS.map((k) => <button key={k} type="button" aria-pressed={ask.kind === k} onClick={() => show({ ...ask, kind: k })}>{word("events.kind", k)}</button>)}
      </div>
      <Conditions key={search} ask={ask} show={show} />
      <Results key={encode(ask)} ask={ask} />
    </div>
  );
}

function Results({ ask }: { ask: EventAsk }): ReactNode {
  const { t } = useSpeech();
  const [page, setPage] = useState<Page<Event> | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const load = (old: Page<Event> | null): void => {
    setBusy(true);
    setError(null);
    get<Page<Event>>(`/events/${ask.kind}`, { ...ask.where, limit: 100, cursor: old?.next }).then(
      (next) => { setPage({ items: [...(old?.items ?? []), ...next.items], next: next.next }); setBusy(false); },
      (e: unknown) => { if (e instanceof ApiError) setError(e); setBusy(false); },
    );
  };
  // The key of this component is what is asked: it is asked once.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  useEffect(() => load(null), []);
  if (error) return <Failed error={error} retry={() => load(page)} />;
  if (!page) return <div className="card"><Skeleton lines={10} /></div>;
  if (!page.items.length) return <div className="card"><Empty icon="search" title={t("events.none")} lead={t("events.none.lead")} /></div>;
  return (
    <div className="card stack">
      <EventTable events={page.items} tools={(e) => (typeof e.uid === "string" && ask.where.uid !== e.uid
        ? <Link href={encode({ kind: "flow", where: { uid: e.uid } })}>{t("events.same")}</Link> : null)} />
      <div className="row" style={{ justifyContent: "center" }}>{page.next ? <BusyButton busy={busy} onClick={() => load(page)}>{t("act.more")}</BusyButton> : <span className="muted small">{t("queue.end")}</span>}</div>
    </div>
  );
}

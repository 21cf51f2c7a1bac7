import type { InputRef } from "antd";
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Alert } from "../../../api/types";
import { useLoad } from "../../../api/useLoad";
import type { Facets } from "../../../api/types";
import { Empty, Failed, Skeleton } from "../../../components/States";
import { useSpeech } from "../../../i18n";
import { isEmpty, query } from "../../../lib/filters";
import { number } from "../../../lib/format";
import { Detail } from "../detail/lazy";
import { Bulk } from "./Bulk";
import { List, type ListHandle } from "./List";
import { Toolbar } from "./Toolbar";
import { useQueue } from "./useQueue";
import { useQueueKeys } from "./useQueueKeys";
import { useTriage } from "./useTriage";
import { useView } from "./useView";
import "../../../styles/queue.css";

export function Queue(): ReactNode {
  const { t, lang } = useSpeech();
  const [view, setView] = useView();
  const ask = useMemo(() => ({ filters: view.filters, sort: view.sort }), [view.filters, view.sort]);
  const [stir, setStir] = useState(0);
  const facets = useLoad<Facets>("/alerts/facets", query(view.filters));
  const stirred = useRef(facets.reload);
  stirred.current = facets.reload;
  const onChange = useCallback(() => setStir((n) => n + 1), []);
  const queue = useQueue(ask, onChange);
  const { insert: bringIn, reload: again } = queue;
  const [cursor, setCursor] = useState<string | null>(view.alert);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const list = useRef<ListHandle>(null);
  const search = useRef<InputRef>(null);
  const [conflict, setConflict] = useState(0);
  const triage = useTriage({ put: queue.put, conflict: useCallback(() => setConflict((n) => n + 1), []) });

  // Counts follow the stream, but not each of a burst of changes.
  useEffect(() => {
    if (!stir) return;
    const timer = setTimeout(() => stirred.current(), 1500);
    return () => clearTimeout(timer);
  }, [stir]);
  useEffect(() => setSelected(new Set()), [ask]);
  useEffect(() => {
    if (conflict) again();
  }, [conflict, again]);

  const open = useCallback((id: string | null) => {
    if (id) setCursor(id);
    setView({ alert: id }, true);
  }, [setView]);
  const { rows, pending } = queue.list;
  const chosen = useMemo(() => rows.filter((r) => selected.has(r.alert.id)).map((r) => r.alert), [rows, selected]);
  const select = useCallback((id: string) => setSelected((old) => {
    const next = new Set(old);
    if (!next.delete(id)) next.add(id);
    return next;
  }), []);
  const insert = useCallback(() => {
    bringIn();
    list.current?.top();
  }, [bringIn]);

  useQueueKeys({ rows, cursor, setCursor, chosen, opened: view.alert, open, select, clear: () => setSelected(new Set()), triage, insert, list, search });

  // Nobody reads further down and nothing is in hand: new alerts may come in by themselves.
  const [top, setTop] = useState(true);
  const free = top && !view.alert && !selected.size && !cursor;
  useEffect(() => {
    if (free && pending.size) bringIn();
  }, [free, pending, bringIn]);

  const gone = rows.filter((r) => r.gone).length;
  const total = facets.data?.total;
  return (
    <div className={view.alert ? "queue with-detail" : "queue"}>
      <section className="queue-list" aria-label={t("queue.title")}>
        <header className="queue-head">
          <h1>{t("queue.title")}</h1>
          <span className="muted num" role="status">{total === undefined ? "" : t("queue.count", { n: number(total, lang) })}</span>
          {(pending.size > 0 || gone > 0) && !free && (
            <button type="button" className="arrivals" onClick={insert}>
              {pending.size > 0 ? t("queue.new", { n: number(pending.size, lang) }) : t("queue.tidy", { n: number(gone, lang) })} <kbd>.</kbd>
            </button>
          )}
        </header>
        <Toolbar view={view} setView={setView} facets={facets.data} search={search} />
        {queue.error && !rows.length ? <Failed error={queue.error} retry={queue.reload} />
          : queue.loading && !rows.length ? <div className="page"><Skeleton lines={12} /></div>
          : !rows.length ? <Nothing filtered={!isEmpty(view.filters)} />
          : <List ref={list} rows={rows} sort={view.sort} setSort={(sort) => setView({ sort })} cursor={cursor} opened={view.alert} selected={selected}
              total={total} open={open} select={select} seen={queue.seen} more={queue.more} end={!queue.list.next} loading={queue.loading} onTop={setTop} />}
        {chosen.length > 0 && <Bulk alerts={chosen} triage={triage} clear={() => setSelected(new Set())} />}
      </section>
      {view.alert && <Detail key={view.alert} id={view.alert} round={conflict} close={() => open(null)} triage={triage} put={queue.put}
        live={rows.find((r) => r.alert.id === view.alert)?.alert ?? (pending.get(view.alert) as Alert | undefined)} />}
    </div>
  );
}

function Nothing({ filtered }: { filtered: boolean }): ReactNode {
  const { t } = useSpeech();
  return filtered ? <Empty icon="filter" title={t("queue.empty.filtered")} lead={t("queue.empty.filtered.lead")} />
    : <Empty title={t("queue.empty")} lead={t("queue.empty.lead")} />;
}

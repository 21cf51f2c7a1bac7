import { useVirtualizer } from "@tanstack/react-virtual";
import { Checkbox } from "antd";
import { type ReactNode, type Ref, useEffect, useImperativeHandle, useRef } from "react";
import { BusyButton } from "../../../components/BusyButton";
import { Icon } from "../../../components/Icon";
import { Num, Safe, Severity, State, Subject, Time } from "../../../components/Show";
import { type Key, useSpeech } from "../../../i18n";
import type { Sort } from "../../../lib/filters";
import type { Row } from "../../../lib/live";
import { cityName } from "../../../lib/cities";

const HEIGHT = 54;
const COLUMNS: { name: Key; sort?: "severity" | "count" | "last_seen"; className?: string }[] = [
  { name: "col.severity", sort: "severity" },
  { name: "col.alert" },
  { name: "col.subject", className: "c-subject" },
  { name: "col.org", className: "c-org" },
  { name: "col.count", sort: "count", className: "c-count end" },
  { name: "col.last", sort: "last_seen", className: "c-last" },
  { name: "col.state", className: "c-state" },
];

export interface ListHandle {
  top: () => void;
  show: (index: number) => void;
}
interface Props {
  ref: Ref<ListHandle>;
  rows: Row[];
  sort: Sort;
  setSort: (sort: Sort) => void;
  cursor: string | null;
  opened: string | null;
  selected: ReadonlySet<string>;
  total: number | undefined;
  open: (id: string) => void;
  select: (id: string) => void;
  seen: (id: string) => void;
  more: () => void;
  end: boolean;
  loading: boolean;
  onTop: (top: boolean) => void;
}

/** A window onto rows of equal height: as quick at ten thousand as at ten. */
export function List(p: Props): ReactNode {
  const { t } = useSpeech();
  const frame = useRef<HTMLDivElement>(null);
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({ count: p.rows.length, getScrollElement: () => frame.current, estimateSize: () => HEIGHT, overscan: 12 });
  const items = virtual.getVirtualItems();
  const lastShown = items.at(-1)?.index ?? 0;
  const { more, end, rows } = p;
  useImperativeHandle(p.ref, () => ({
    top: () => frame.current?.scrollTo({ top: 0 }),
    show: (index) => virtual.scrollToIndex(index),
  }));
  useEffect(() => {
    if (!end && lastShown >= rows.length - 25) more();
  }, [lastShown, rows.length, end, more]);

  return (
    <div className="q-frame" ref={frame} onScroll={(e) => p.onTop(e.currentTarget.scrollTop < 4)} tabIndex={-1}>
      <div role="table" aria-label={t("queue.table")} aria-rowcount={(p.total ?? rows.length) + 1}>
        <div role="rowgroup" className="q-header">
          <div role="row" className="q-row" aria-rowindex={1}>
            <span role="columnheader"><span className="hidden">{t("col.select")}</span></span>
            {COLUMNS.map((c) => <Header key={c.name} {...c} now={p.sort} setSort={p.setSort} />)}
          </div>
        </div>
        <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {items.map((item) => {
            const row = rows[item.index];
            return row && (
              <Line key={row.alert.id} row={row} top={item.start} index={item.index} current={p.cursor === row.alert.id} opened={p.opened === row.alert.id}
                selected={p.selected.has(row.alert.id)} open={p.open} select={p.select} seen={p.seen} />
            );
          })}
        </div>
      </div>
      <p className="q-end">{p.end ? t("queue.end") : <BusyButton type="text" busy={p.loading} onClick={more}>{t("act.more")}</BusyButton>}</p>
    </div>
  );
}

function Header(p: { name: Key; sort?: string; className?: string; now: Sort; setSort: (s: Sort) => void }): ReactNode {
  const { t } = useSpeech();
  if (!p.sort) return <span role="columnheader" className={p.className}>{t(p.name)}</span>;
  const down = p.now === `-${p.sort}`;
  const on = down || p.now === p.sort;
  return (
    <span role="columnheader" className={p.className} aria-sort={on ? (down ? "descending" : "ascending") : "none"}>
      <button type="button" onClick={() => p.setSort((down ? p.sort : `-${p.sort}`) as Sort)}>{t(p.name)}{on && <Icon name={down ? "down" : "up"} size={12} />}</button>
    </span>
  );
}

interface LineProps {
  row: Row;
  top: number;
  index: number;
  current: boolean;
  opened: boolean;
  selected: boolean;
  open: (id: string) => void;
  select: (id: string) => void;
  seen: (id: string) => void;
}

function Line({ row, top, index, current, opened, selected, open, select, seen }: LineProps): ReactNode {
  const { t, say, lang } = useSpeech();
  const a = row.alert;
  const link = useRef<HTMLAnchorElement>(null);
  useEffect(() => {
    if (current && (document.activeElement === document.body || document.activeElement?.closest(".q-frame"))) link.current?.focus({ preventScroll: true });
  }, [current]);
  const names = ["q-row", "q-line"];
  if (current) names.push("current");
  if (opened) names.push("opened");
  if (selected) names.push("selected");
  if (row.fresh) names.push("fresh");
  if (row.gone) names.push("gone");
  return (
    <div role="row" className={names.join(" ")} style={{ transform: `translateY(${top}px)` }} aria-rowindex={index + 2}
      onClick={(e) => !(e.target as Element).closest("label, a") && open(a.id)} onMouseEnter={() => row.fresh && seen(a.id)}>
      <span role="cell"><Checkbox checked={selected} onChange={() => select(a.id)} aria-label={t("queue.select", { name: `${say(a.title)} ${a.subject}` })} tabIndex={-1} /></span>
      <span role="cell"><Severity value={a.severity} /></span>
      <span role="cell" className="c-alert">
        <a ref={link} href={`?alert=${a.id}`} aria-current={opened ? "true" : undefined} onFocus={() => row.fresh && seen(a.id)}
          onClick={(e) => { if (e.ctrlKey || e.metaKey || e.shiftKey) return; e.preventDefault(); open(a.id); }}>{say(a.title)}</a>
        {row.fresh > 0 && <span className="mark">{t("queue.changed")}</span>}
        {row.gone && <span className="mark">{t("queue.gone")}</span>}
        <span className="summary"><Safe>{say(a.summary)}</Safe></span>
      </span>
      <span role="cell" className="c-subject"><Subject value={a.subject} /></span>
      <span role="cell" className="c-org"><span>{say(a.org_name)}</span><span className="muted">{cityName(a.city, lang)}</span></span>
      <span role="cell" className="c-count end"><Num value={a.count} /></span>
      <span role="cell" className="c-last"><Time value={a.last_seen} /></span>
      <span role="cell" className="c-state"><State value={a.state} />{a.assignee && <span className="muted assignee"><Icon name="person" size={12} />{a.assignee}</span>}</span>
    </div>
  );
}

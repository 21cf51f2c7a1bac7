import { Button, Input, type InputRef, Popover } from "antd";
import { type ReactNode, type RefObject, useEffect, useState } from "react";
import type { Facets } from "../../../api/types";
import { Icon } from "../../../components/Icon";
import { inside } from "../../../components/inside";
import { useSpeech } from "../../../i18n";
import { type Filters, isEmpty, MANY, NO_FILTERS, ONE, put, SORTS, toggle, type View } from "../../../lib/filters";
import { FilterMenu } from "./FilterMenu";
import { useValueName } from "./valueName";

interface Props {
  view: View;
  setView: (change: Partial<View>) => void;
  facets: Facets | undefined;
  search: RefObject<InputRef | null>;
}

export function Toolbar({ view, setView, facets, search }: Props): ReactNode {
  const { t } = useSpeech();
  const [menu, setMenu] = useState(false);
  const [order, setOrder] = useState(false);
  const filters = view.filters;
  const change = (next: Filters): void => setView({ filters: next });
  return (
    <div className="toolbar" role="search">
      <Search value={filters.one.q ?? ""} change={(q) => change(put(filters, "q", q))} search={search} />
      <Popover open={menu} onOpenChange={setMenu} trigger="click" placement="bottomLeft" arrow={false} destroyOnHidden getPopupContainer={inside}
        content={<FilterMenu filters={filters} change={change} facets={facets} />}>
        <Button icon={<Icon name="filter" />} aria-expanded={menu} aria-haspopup="true">{t("queue.filter.add")}</Button>
      </Popover>
      <Chips filters={filters} change={change} facets={facets} />
      {!isEmpty(filters) && <Button type="text" onClick={() => change(NO_FILTERS)}>{t("queue.filter.clear")}</Button>}
      <Popover open={order} onOpenChange={setOrder} trigger="click" placement="bottomRight" arrow={false} destroyOnHidden getPopupContainer={inside} content={
        <ul className="menu">{SORTS.map((sort) => (
          <li key={sort}><button type="button" aria-pressed={view.sort === sort} onClick={() => { setView({ sort }); setOrder(false); }}>{t(`queue.sort.${sort}`)}{view.sort === sort && <Icon name="check" size={14} />}</button></li>
        ))}</ul>}>
        <Button type="text" className="order" aria-expanded={order} aria-haspopup="true">{t(`queue.sort.${view.sort}`)}<Icon name="down" size={12} /></Button>
      </Popover>
    </div>
  );
}

function Search({ value, change, search }: { value: string; change: (q: string) => void; search: Props["search"] }): ReactNode {
  const { t } = useSpeech();
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => change(text.trim()), 350);
    return () => clearTimeout(timer);
  });
  return (
    <Input ref={search} className="search" prefix={<Icon name="search" size={14} />} suffix={text ? null : <kbd>/</kbd>} allowClear
      aria-label={t("queue.search")} placeholder={t("queue.search")} value={text} onChange={(e) => setText(e.target.value)} onPressEnter={() => change(text.trim())} />
  );
}

function Chips({ filters, change, facets }: { filters: Filters; change: (f: Filters) => void; facets: Facets | undefined }): ReactNode {
  const { t } = useSpeech();
  const name = useValueName(facets);
  const chips: { key: string; field: string; text: string; drop: Filters }[] = [];
  for (const field of MANY) {
    for (const value of filters.many[field] ?? []) {
      chips.push({ key: `${field}=${value}`, field: t(`facet.${field}`), text: name(field, value), drop: toggle(filters, field, value) });
    }
  }
  for (const field of ONE) {
    const value = filters.one[field];
    if (value && field !== "q") chips.push({ key: field, field: t(`facet.${field}`), text: name(field, value), drop: put(filters, field, "") });
  }
  if (filters.below) chips.push({ key: "below", field: "", text: t("queue.below.chip"), drop: { ...filters, below: false } });
  return (
    <ul className="chips">
      {chips.map((c) => (
        <li key={c.key} className="chip">
          <span><span className="muted">{c.field}</span> {c.text}</span>
          <button type="button" aria-label={t("queue.filter.remove", { name: `${c.field} ${c.text}` })} onClick={() => change(c.drop)}><Icon name="close" size={12} /></button>
        </li>
      ))}
    </ul>
  );
}

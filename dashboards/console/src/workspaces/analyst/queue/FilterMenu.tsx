import { Checkbox, Input } from "antd";
import { type ReactNode, useState } from "react";
import type { FacetName, Facets } from "../../../api/types";
import { Num } from "../../../components/Show";
import { useSpeech } from "../../../i18n";
import { type Filters, type Many, put, toggle } from "../../../lib/filters";
import { fromInput, toInput } from "../../../lib/format";
import { useHere } from "../../../session";
import { useValueName } from "./valueName";

const FIELDS: readonly FacetName[] = ["state", "severity", "org", "city", "rule", "domain"];
type Section = FacetName | "assignee" | "time";

/** Left what to filter by, right its values with how many alerts each would leave. */
export function FilterMenu({ filters, change, facets }: { filters: Filters; change: (f: Filters) => void; facets: Facets | undefined }): ReactNode {
  const { t } = useSpeech();
  const [section, setSection] = useState<Section>("state");
  return (
    <div className="filter-menu">
      <ul className="menu">
        {[...FIELDS, "assignee" as const, "time" as const].map((f) => (
          <li key={f}><button type="button" aria-pressed={section === f} onClick={() => setSection(f)}>{t(`facet.${f}`)}</button></li>
        ))}
        <li><Checkbox checked={filters.below} onChange={(e) => change({ ...filters, below: e.target.checked })}>{t("queue.below.chip")}</Checkbox></li>
      </ul>
      <div className="filter-values">
        {section === "time" ? <Times filters={filters} change={change} />
          : section === "assignee" ? <Assignees filters={filters} change={change} />
          : <Values key={section} field={section} filters={filters} change={change} facets={facets} />}
      </div>
    </div>
  );
}

function Values({ field, filters, change, facets }: { field: FacetName & Many; filters: Filters; change: (f: Filters) => void; facets: Facets | undefined }): ReactNode {
  const { t } = useSpeech();
  const name = useValueName(facets);
  const [find, setFind] = useState("");
  const values = facets?.facets[field] ?? [];
  const wanted = filters.many[field] ?? [];
  const missing = wanted.filter((w) => !values.some((v) => String(v.value) === w)).map((value) => ({ value, count: 0 }));
  const shown = [...values, ...missing].filter((v) => name(field, String(v.value)).toLowerCase().includes(find.toLowerCase()));
  return (
    <>
      {values.length > 8 && <Input aria-label={t("queue.search")} value={find} onChange={(e) => setFind(e.target.value)} allowClear />}
      {!shown.length && <p className="muted">{t("queue.filter.none")}</p>}
      <ul>
        {shown.map((v) => {
          const value = String(v.value);
          return (
            <li key={value}>
              <Checkbox checked={wanted.includes(value)} onChange={() => change(toggle(filters, field, value))}>{name(field, value)}</Checkbox>
              <span className="muted"><Num value={v.count} /></span>
            </li>
          );
        })}
      </ul>
    </>
  );
}

function Assignees({ filters, change }: { filters: Filters; change: (f: Filters) => void }): ReactNode {
  const { t } = useSpeech();
  const { session } = useHere();
  const wanted = filters.many.assignee ?? [];
  return (
    <ul>
      <li><Checkbox checked={wanted.includes(session.actor)} onChange={() => change(toggle(filters, "assignee", session.actor))}>{t("queue.filter.mine")}</Checkbox></li>
      <li><Checkbox checked={wanted.includes("")} onChange={() => change(toggle(filters, "assignee", ""))}>{t("detail.nobody")}</Checkbox></li>
    </ul>
  );
}

function Times({ filters, change }: { filters: Filters; change: (f: Filters) => void }): ReactNode {
  const { t } = useSpeech();
  return (
    <div className="stack">
      {(["from", "to"] as const).map((end) => (
        <label key={end}>{t(`facet.${end}`)}
          <Input type="datetime-local" value={toInput(filters.one[end])} onChange={(e) => change(put(filters, end, fromInput(e.target.value)))} />
        </label>
      ))}
    </div>
  );
}

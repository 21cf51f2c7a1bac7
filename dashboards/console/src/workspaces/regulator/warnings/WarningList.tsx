import { Button } from "antd";
import { type ReactNode, useEffect, useState } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { get } from "../../../api/client";
import { useCalm } from "../../../api/useCalm";
import { useLoad } from "../../../api/useLoad";
import type { Page, WarningItem } from "../../../api/types";
import { Level } from "../../../components/Level";
import { Time } from "../../../components/Show";
import { Empty, Failed, Skeleton } from "../../../components/States";
import { useSpeech } from "../../../i18n";
import { cityName } from "../../../lib/cities";
import { STATES, type View } from "./views";

export function WarningList(): ReactNode {
  const { t } = useSpeech();
  const [, go] = useLocation();
  const asked = new URLSearchParams(useSearch()).get("state");
  const view: View = asked !== null && asked in STATES ? (asked as View) : "open";
  const query = { state: STATES[view], limit: 50 };
  const { data, error, reload } = useLoad<Page<WarningItem>>("/warnings", query);
  useCalm(reload, (c) => c.object === "warning");
  const [more, setMore] = useState<Page<WarningItem> | null>(null);
  useEffect(() => setMore(null), [data]);
  const next = more ? more.next : (data?.next ?? null);
  const items = [...(data?.items ?? []), ...(more?.items ?? [])];
  return (
    <div className="page">
      <header><h1>{t("warning.title")}</h1><span className="muted">{t("warning.lead")}</span></header>
      <div className="segments" role="group" aria-label={t("warning.state")}>
        {(Object.keys(STATES) as View[]).map((v) => (
          <button key={v} type="button" aria-pressed={v === view} onClick={() => go(v === "open" ? "/warnings" : `/warnings?state=${v}`)}>{t(v === "open" || v === "all" ? `warning.${v}` : `warning.state.${v}`)}</button>
        ))}
      </div>
      {!data ? (error ? <Failed error={error} retry={reload} /> : <div className="card"><Skeleton lines={8} /></div>)
        : !items.length ? <div className="card"><Empty icon="warnings" title={t("warning.none")} lead={t("warning.none.lead")} /></div>
        : <Table items={items} />}
      {next && <Button onClick={() => void get<Page<WarningItem>>("/warnings", { ...query, cursor: next }).then((p) => setMore((old) => ({ items: [...(old?.items ?? []), ...p.items], next: p.next })), reload)}>{t("act.more")}</Button>}
    </div>
  );
}

function Table({ items }: { items: WarningItem[] }): ReactNode {
  const { t, say, word, lang } = useSpeech();
  return (
    <div className="card scroll" tabIndex={0} role="group" aria-label={t("warning.title")}>
      <table className="plain">
        <thead><tr><th scope="col">{t("warning.level")}</th><th scope="col">{t("warning.what")}</th><th scope="col">{t("warning.trigger")}</th><th scope="col">{t("warning.where")}</th><th scope="col">{t("warning.state")}</th><th scope="col">{t("warning.created")}</th><th scope="col">{t("warning.issuedAt")}</th></tr></thead>
        <tbody>
          {items.map((w) => (
            <tr key={w.id}>
              <td><Level value={w.level} /></td>
              <th scope="row"><Link href={`/warnings/${w.id}`} className="strong">{say(w.title)}</Link></th>
              <td>{word("warning.trigger", w.trigger)}</td>
              <td>{[w.cities.map((c) => cityName(c, lang)).join(lang === "zh" ? "、" : ", "), t("warning.orgs", { n: w.orgs.length })].filter(Boolean).join(" · ")}</td>
              <td className="nowrap">{word("warning.state", w.state)}</td>
              <td className="nowrap"><Time value={w.created_at} /></td>
              <td className="nowrap"><Time value={w.issued_at} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

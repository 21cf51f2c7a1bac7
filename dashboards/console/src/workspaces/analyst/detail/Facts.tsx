import { type ReactNode, useState } from "react";
import { Link } from "wouter";
import type { AlertDetail } from "../../../api/types";
import { Num, Subject, Time } from "../../../components/Show";
import { useSpeech } from "../../../i18n";
import { cityName } from "../../../lib/cities";
import { link } from "../../../lib/filters";

const SHOWN = 6;

/** What and whom it is about; each value leads to what else is known about it. */
export function Facts({ alert: a }: { alert: AlertDetail }): ReactNode {
  const { t, say, lang, word } = useSpeech();
  const [all, setAll] = useState(false);
  const related = all ? a.related : a.related.slice(0, SHOWN);
  const org = a.organisation;
  return (
    <dl className="facts">
      <dt>{t("col.subject")}</dt>
      <dd><Link href={link({ one: { subject: a.subject } })}><Subject value={a.subject} /></Link></dd>
      {a.related.length > 0 && <><dt>{t("detail.related")}</dt>
        <dd className="list">
          {related.map((r) => <Link key={r} href={link({ one: { q: r } })}><Subject value={r} /></Link>)}
          {a.related.length > related.length && <button type="button" className="link" onClick={() => setAll(true)}>{t("detail.more", { n: a.related.length - related.length })}</button>}
        </dd></>}
      <dt>{t("col.org")}</dt>
      <dd>
        <Link href={`/situation/organisation/${encodeURIComponent(a.org)}`}>{say(a.org_name)}</Link>
        <span className="muted"> {[cityName(a.city, lang), org && org.protection_level ? t("detail.protection", { n: org.protection_level }) : "", org?.critical ? t("detail.critical") : ""].filter(Boolean).join(" · ")}</span>
      </dd>
      <dt>{t("detail.network")}</dt><dd className="mono">{a.network}</dd>
      <dt>{t("detail.first")}</dt><dd><Time value={a.first_seen} seconds /></dd>
      <dt>{t("detail.last")}</dt><dd><Time value={a.last_seen} seconds /></dd>
      <dt>{t("detail.events")}</dt><dd><Num value={a.count} /></dd>
      <dt>{t("detail.category")}</dt><dd>{say(a.category_name)} · {word("domain", a.domain)}</dd>
      <dt>{t("detail.rule")}</dt><dd><Link className="mono" href={link({ many: { rule: [a.rule] } })}>{a.rule}</Link></dd>
      {a.techniques.length > 0 && <><dt>{t("detail.techniques")}</dt>
        <dd className="row">{a.techniques.map((id) => <Link key={id} className="tag" href={link({ one: { technique: id } })} title={t("detail.techniques.filter", { id })}>{id}</Link>)}</dd></>}
    </dl>
  );
}

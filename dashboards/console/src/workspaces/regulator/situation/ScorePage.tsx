import type { ReactNode } from "react";
import { Link } from "wouter";
import { useCalm } from "../../../api/useCalm";
import { useLoad } from "../../../api/useLoad";
import type { Organisation, Page, Scope, ScoreDetail } from "../../../api/types";
import { Pending } from "../../../components/States";
import { useSpeech } from "../../../i18n";
import { cityName } from "../../../lib/cities";
import { local } from "../../../lib/format";
import { Parts } from "./Parts";
import { ScoreHead } from "./ScoreHead";

export function ScorePage({ scope, id }: { scope: Scope; id: string }): ReactNode {
  const { t, say, lang, word } = useSpeech();
  const { data, error, reload } = useLoad<ScoreDetail>(`/situation/${scope}/${encodeURIComponent(id)}`);
  const organisations = useLoad<Page<Organisation>>(scope === "organisation" ? "/organisations" : null, { limit: 200 });
  useCalm(reload, (c) => c.object === "situation" && c.situation?.id === id);
  if (!data) return <Pending title={t("nav.situation")} error={error} retry={reload} />;
  const org = organisations.data?.items.find((o) => o.id === id);
  return (
    <div className="page">
      <nav aria-label={t("situation.path")} className="crumbs">
        <Link href="/situation">{t("nav.situation")}</Link>
        {org?.city && <> / <Link href={`/situation/city/${org.city}`}>{cityName(org.city, lang)}</Link></>}
      </nav>
      <header><h1>{say(data.name)}</h1><span className="muted">{t("overview.lead", { at: local(data.as_of) })}</span>
        {org && <span className="muted">{[word("importance", org.importance), org.protection_level ? t("detail.protection", { n: org.protection_level }) : "", org.critical ? t("detail.critical") : ""].filter(Boolean).join(" · ")}</span>}
      </header>
      <ScoreHead score={data} peers={data.peers} />
      <Parts detail={data} />
    </div>
  );
}

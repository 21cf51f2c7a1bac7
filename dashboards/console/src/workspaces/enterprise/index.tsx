import { type ReactNode, useState } from "react";
import type { Analysis, Organisation, Page } from "../../api/types";
import { useLoad } from "../../api/useLoad";
import { usePoll } from "../../api/usePoll";
import { Empty, Failed, Skeleton } from "../../components/States";
import { useSpeech } from "../../i18n";
import { AnalysisCard } from "./AnalysisCard";
import { DropZone } from "./DropZone";
import { isRunning } from "./progress";
import { Uploading } from "./Uploading";
import { useHandIn } from "./useHandIn";
import "../../styles/enterprise.css";

const POLL = 1000;

export default function Enterprise(): ReactNode {
  const { t } = useSpeech();
  const { data, error, reload } = useLoad<Page<Analysis>>("/analyses", { limit: 50 });
  const organisations = useLoad<Page<Organisation>>("/organisations", { limit: 200 });
  const [org, setOrg] = useState("");
  const { hand, uploads, cancel } = useHandIn("/analyses", org, reload);

  const running = data?.items.some(isRunning) ?? false;
  usePoll(running, reload, POLL);

  return (
    <div className="page">
      <header><h1>{t("analyse.title")}</h1><span className="muted">{t("analyse.lead")}</span></header>
      <DropZone hand={hand} org={org} setOrg={setOrg} organisations={organisations.data?.items ?? []} kinds="analyse.kinds" promise="analyse.private" />
      <Uploading uploads={uploads} cancel={cancel} />
      <section className="stack" aria-label={t("analyse.earlier")}>
        <h2>{t("analyse.earlier")}</h2>
        {!data ? (error ? <Failed error={error} retry={reload} /> : <Skeleton />)
          : data.items.length ? data.items.map((a) => <AnalysisCard key={a.id} analysis={a} />)
          : <div className="card"><Empty icon="file" title={t("analyse.none")} lead={t("analyse.none.lead")} /></div>}
      </section>
    </div>
  );
}

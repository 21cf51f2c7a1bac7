import { Button, Select } from "antd";
import { type ReactNode, useState } from "react";
import { Link, Route, Switch } from "wouter";
import type { Organisation, Page, Submission, Verdict } from "../../api/types";
import { useLoad } from "../../api/useLoad";
import { usePoll } from "../../api/usePoll";
import { Safe, Time } from "../../components/Show";
import { Empty, Failed, Skeleton } from "../../components/States";
import { useSpeech } from "../../i18n";
import { bytes } from "../../lib/format";
import { DropZone } from "../enterprise/DropZone";
import { Uploading } from "../enterprise/Uploading";
import { useHandIn } from "../enterprise/useHandIn";
import { Detail } from "./Detail";
import { atWork, Mark, VERDICTS } from "./Mark";
import "../../styles/enterprise.css";
import "../../styles/software.css";

const POLL = 1500;
const MOST = 200;

export default function Software(): ReactNode {
  return (
    <Switch>
      <Route path="/software/:id">{(p) => <Detail id={p.id} />}</Route>
      <Route><List /></Route>
    </Switch>
  );
}

function List(): ReactNode {
  const { t } = useSpeech();
  const [verdict, setVerdict] = useState<Verdict | "">("");
  const [limit, setLimit] = useState(50);
  const { data, error, reload } = useLoad<Page<Submission>>("/submissions", { limit, verdict });
  const organisations = useLoad<Page<Organisation>>("/organisations", { limit: 200 });
  const [org, setOrg] = useState("");
  const { hand, uploads, cancel } = useHandIn("/submissions", org, reload);
  const running = data?.items.some(atWork) ?? false;
  usePoll(running, reload, POLL);

  return (
    <div className="page">
      <header><h1>{t("software.title")}</h1><span className="muted">{t("software.lead")}</span></header>
      <DropZone hand={hand} org={org} setOrg={setOrg} organisations={organisations.data?.items ?? []} kinds="software.kinds" promise="software.private" />
      <Uploading uploads={uploads} cancel={cancel} />
      <section className="card stack" aria-label={t("software.submissions")}>
        <div className="row spread">
          <h2>{t("software.submissions")}</h2>
          <Select aria-label={t("software.verdict")} value={verdict} onChange={setVerdict} style={{ width: 160 }}
            options={[{ value: "" as const, label: t("software.every") }, ...VERDICTS.map((v) => ({ value: v, label: t(`software.verdict.${v}`) }))]} />
        </div>
        {!data ? (error ? <Failed error={error} retry={reload} /> : <Skeleton />)
          : data.items.length ? <Rows items={data.items} />
          : <Empty icon="file" title={t("software.none")} lead={t("software.none.lead")} />}
        {data?.next && limit < MOST && <Button onClick={() => setLimit(MOST)}>{t("software.more")}</Button>}
      </section>
    </div>
  );
}

function Rows({ items }: { items: Submission[] }): ReactNode {
  const { lang } = useSpeech();
  return (
    <table className="submissions">
      <tbody>
        {items.map((s) => (
          <tr key={s.id}>
            <td><Mark of={s} /></td>
            <td>{s.state === "deleted" ? <span className="mono muted">{s.sha256.slice(0, 16)}</span> : <Link href={`/software/${s.id}`} className="mono"><Safe>{s.name}</Safe></Link>}</td>
            <td className="muted">{s.state === "deleted" ? "" : bytes(s.size, lang)}</td>
            <td className="muted"><Safe>{s.org}</Safe></td>
            <td className="muted"><Time value={s.created_at} /></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

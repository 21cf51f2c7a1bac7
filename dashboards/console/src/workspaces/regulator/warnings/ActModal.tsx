import { Button, Checkbox, Modal } from "antd";
import { type ReactNode, useState } from "react";
import { BusyButton } from "../../../components/BusyButton";
import { ApiError, send } from "../../../api/client";
import type { Warning } from "../../../api/types";
import { useProblemText } from "../../../components/States";
import { toast } from "../../../components/toast";
import { useSpeech } from "../../../i18n";
import { en } from "../../../i18n/en";
import { zh } from "../../../i18n/zh";
import { Notices } from "./NoticeView";
import { begin, body, type Draft, isComplete, preview } from "./draft";
import type { ActName } from "./views";
import { WordsForm } from "./WordsForm";

/** The server has an issuer of its own, which it does not tell. */
const SERVER_ISSUER = { en: en["warning.form.issuer.server"], zh: zh["warning.form.issuer.server"] };

interface Props {
  act: ActName;
  warning: Warning;
  close: () => void;
  done: (warning: Warning) => void;
  reload: () => void;
}

/** An act in two steps: what is to be said, then what will be issued, read and confirmed. */
export function ActModal({ act, warning, close, done, reload }: Props): ReactNode {
  const { t } = useSpeech();
  const problem = useProblemText();
  const [draft, setDraft] = useState<Draft>(() => begin(warning));
  const [looking, setLooking] = useState(false);
  const [read, setRead] = useState(false);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState("");
  const announces = act === "issue" || act === "adjust";

  const go = async (): Promise<void> => {
    setBusy(true);
    try {
      const next = act === "edit" ? await send<Warning>("PATCH", `/warnings/${warning.id}`, body(act, draft, warning))
        : await send<Warning>("POST", `/warnings/${warning.id}/${act}`, body(act, draft, warning));
      toast(t(`warning.done.${act}`));
      done(next);
    } catch (e) {
      if (!(e instanceof ApiError)) throw e;
      setFault(t("warning.failed", { detail: problem(e) }));
      setBusy(false);
      if (e.status === 409) reload();
    }
  };
  const complete = isComplete(act, draft);
  const footer = announces && !looking
    ? [<Button key="c" onClick={close}>{t("act.cancel")}</Button>, <Button key="p" type="primary" disabled={!complete} onClick={() => setLooking(true)}>{t("warning.form.preview")}</Button>]
    : [
      announces ? <Button key="b" onClick={() => { setLooking(false); setRead(false); }}>{t("warning.form.back")}</Button> : <Button key="c" onClick={close}>{t("act.cancel")}</Button>,
      <BusyButton key="g" type="primary" danger={act === "lift" || act === "dismiss"} busy={busy} disabled={!complete || (announces && !read)} onClick={() => void go()}>{t(act === "edit" ? "act.save" : `warning.act.${act}`)}</BusyButton>,
    ];
  return (
    <Modal open title={t(`warning.act.${act}.title`)} onCancel={close} footer={footer} width={announces || act === "edit" ? 860 : 520} mask={{ closable: false }} closable={{ "aria-label": t("act.close") }}>
      {looking ? (
        <div className="stack">
          <p>{t("warning.form.check")}</p>
          <Notices notice={preview(act, draft, warning, SERVER_ISSUER)} langs={["zh", "en"]} />
          <Checkbox checked={read} onChange={(e) => setRead(e.target.checked)}>{t("warning.form.confirm")}</Checkbox>
        </div>
      ) : <WordsForm act={act} draft={draft} change={setDraft} />}
      {fault && <p className="fault" role="alert">{fault}</p>}
    </Modal>
  );
}

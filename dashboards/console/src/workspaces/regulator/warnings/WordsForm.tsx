import { Input } from "antd";
import type { ReactNode } from "react";
import type { Text } from "../../../api/types";
import { Level } from "../../../components/Level";
import { useSpeech } from "../../../i18n";
import type { Draft } from "./draft";
import { EDITABLE, fieldName, LEVELS } from "./fields";
import type { ActName } from "./views";

const LANGS = ["zh", "en"] as const;

export function WordsForm({ act, draft, change }: { act: ActName; draft: Draft; change: (d: Draft) => void }): ReactNode {
  const { t } = useSpeech();
  const says = act === "issue" || act === "adjust" || act === "edit";
  const announces = act === "issue" || act === "adjust";
  return (
    <div className="stack words">
      {act === "adjust" && (
        <fieldset className="levels"><legend>{t("warning.form.level")}</legend>
          {LEVELS.map((l) => <label key={l}><input type="radio" name="level" checked={draft.level === l} onChange={() => change({ ...draft, level: l })} /><Level value={l} /></label>)}
        </fieldset>
      )}
      {act !== "issue" && act !== "edit" && <label>{t("warning.form.reason")}<Input.TextArea required rows={3} maxLength={2000} value={draft.reason} onChange={(e) => change({ ...draft, reason: e.target.value })} /></label>}
      {says && EDITABLE.map((f) => <Pair key={f} name={(l) => fieldName(f, l)} value={draft.words[f]} set={(text) => change({ ...draft, words: { ...draft.words, [f]: text } })} rows={f === "scope" ? 2 : 4} />)}
      {act === "edit" && <p className="muted small">{t("warning.form.empty")}</p>}
      {announces && <Pair name={(l) => fieldName("issuer", l)} value={draft.issuer} set={(issuer) => change({ ...draft, issuer })} rows={1} hint={t("warning.form.issuer.hint")} />}
    </div>
  );
}

function Pair(p: { name: (lang: "en" | "zh") => string; value: Text; set: (text: Text) => void; rows: number; hint?: string }): ReactNode {
  return (
    <div className="pair">
      {LANGS.map((l) => (
        <label key={l} lang={l === "zh" ? "zh-CN" : "en"}>{p.name(l)}
          <Input.TextArea rows={p.rows} maxLength={4000} placeholder={p.hint} value={p.value[l]} onChange={(e) => p.set({ ...p.value, [l]: e.target.value })} />
        </label>
      ))}
    </div>
  );
}

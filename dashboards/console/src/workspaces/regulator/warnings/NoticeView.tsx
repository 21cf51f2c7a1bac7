import { type ReactNode, useState } from "react";
import type { Notice, Warning } from "../../../api/types";
import { Safe } from "../../../components/Show";
import { useSpeech } from "../../../i18n";
import { fieldName, FIELDS, type NoticeLang } from "./fields";

type Shown = NoticeLang | "both";

/** The notice as it goes out, in the language of its own, whatever the console speaks. */
export function NoticeView({ notice, note }: { notice: Warning["notice"]; note: string }): ReactNode {
  const { t } = useSpeech();
  const [shown, setShown] = useState<Shown>("both");
  return (
    <section className="card">
      <header>
        <h2>{t("warning.notice")}</h2><span className="small">{note}</span>
        <span className="segments small" role="group" aria-label={t("warning.notice")} style={{ marginInlineStart: "auto" }}>
          {(["both", "zh", "en"] as const).map((v) => <button key={v} type="button" lang={v === "zh" ? "zh-CN" : undefined} aria-pressed={v === shown} onClick={() => setShown(v)}>{t(`warning.notice.${v}`)}</button>)}
        </span>
      </header>
      <Notices notice={notice} langs={shown === "both" ? ["zh", "en"] : [shown]} />
    </section>
  );
}

export function Notices({ notice, langs }: { notice: Warning["notice"]; langs: NoticeLang[] }): ReactNode {
  return <div className={langs.length > 1 ? "notices two-up" : "notices"}>{langs.map((l) => <Sheet key={l} lang={l} notice={notice[l]} />)}</div>;
}

function Sheet({ lang, notice }: { lang: NoticeLang; notice: Notice }): ReactNode {
  return (
    <dl className="sheet" lang={lang === "zh" ? "zh-CN" : "en"}>
      {FIELDS.map((f) => <div key={f}><dt>{fieldName(f, lang)}</dt><dd>{notice[f] ? <Safe>{notice[f]}</Safe> : "–"}</dd></div>)}
    </dl>
  );
}

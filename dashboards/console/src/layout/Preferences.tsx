import type { ReactNode } from "react";
import { Icon } from "../components/Icon";
import { useSpeech } from "../i18n";
import type { Mode } from "../theme";

export function LanguageSwitch(): ReactNode {
  const { lang, setLang, t } = useSpeech();
  const other = lang === "en" ? "zh" : "en";
  return (
    <button type="button" className="icon-button" lang={other === "zh" ? "zh-CN" : "en"} title={t("pref.language.title")} onClick={() => setLang(other)}>
      {t("pref.language")}
    </button>
  );
}

export function ThemeSwitch({ mode, setMode }: { mode: Mode; setMode: (m: Mode) => void }): ReactNode {
  const { t } = useSpeech();
  const other: Mode = mode === "dark" ? "light" : "dark";
  return (
    <button type="button" className="icon-button" aria-label={t(`pref.${other}`)} title={t(`pref.${other}`)} onClick={() => setMode(other)}>
      <Icon name={other === "dark" ? "moon" : "sun"} />
    </button>
  );
}

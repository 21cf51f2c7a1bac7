import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from "react";
import { speak } from "../api/client";
import type { Text } from "../api/types";
import { en, type Key } from "./en";
import { fill, type Params } from "./fill";
import { zh } from "./zh";

export type Lang = "en" | "zh";
export type Translate = (key: Key, params?: Params) => string;
export type { Key };

const DICTIONARIES: Record<Lang, Record<Key, string>> = { en, zh };
const STORED = "fengsui.language";

function initial(): Lang {
  const stored = localStorage.getItem(STORED);
  if (stored === "en" || stored === "zh") return stored;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

interface Speech {
  lang: Lang;
  setLang: (lang: Lang) => void;
  t: Translate;
  /** A text of the API in the language that is read. */
  say: (text: Text | null | undefined) => string;
  /** The translation of a key that is put together from data, or the data itself. */
  word: (prefix: string, value: string) => string;
}
const Context = createContext<Speech | null>(null);

export function Language({ children }: { children: ReactNode }): ReactNode {
  const [lang, keep] = useState<Lang>(() => begin(initial()));
  const setLang = useCallback((next: Lang) => {
    localStorage.setItem(STORED, next);
    keep(begin(next));
  }, []);
  const speech = useMemo<Speech>(() => {
    const words: Record<string, string> = DICTIONARIES[lang];
    return {
      lang, setLang,
      t: (key, params) => fill(DICTIONARIES[lang][key], params),
      say: (text) => text?.[lang] ?? "",
      word: (prefix, value) => words[`${prefix}.${value}`] ?? value,
    };
  }, [lang, setLang]);
  return <Context value={speech}>{children}</Context>;
}

function begin(lang: Lang): Lang {
  document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
  speak(lang);
  return lang;
}

export function useSpeech(): Speech {
  const speech = useContext(Context);
  if (!speech) throw new Error("no language");
  return speech;
}

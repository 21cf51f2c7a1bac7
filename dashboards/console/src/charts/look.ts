// Colours of charts are those of the page.

import { useHere } from "../session";

export interface Look {
  text: string;
  muted: string;
  line: string;
  surface: string;
  accent: string;
  accentLine: string;
  fill: (severity: number) => string;
  of: (name: string) => string;
}

/** Read again when the theme changes. */
export function useLook(): Look {
  useHere();
  const style = getComputedStyle(document.documentElement);
  const of = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    text: of("text"), muted: of("muted"), line: of("line"), surface: of("raised"), accent: of("accent"), accentLine: of("accent-line"),
    fill: (severity) => of(`fill${Math.max(1, severity)}`), of,
  };
}

export function axis(look: Look, more: object = {}): object {
  return {
    axisLine: { lineStyle: { color: look.line } }, axisTick: { show: false }, axisLabel: { color: look.muted, fontSize: 11, hideOverlap: true },
    splitLine: { lineStyle: { color: look.line, opacity: 0.6 } }, nameTextStyle: { color: look.muted, fontSize: 11 }, ...more,
  };
}

export function tooltip(look: Look, more: object = {}): object {
  return {
    backgroundColor: look.surface, borderColor: look.line, textStyle: { color: look.text, fontSize: 12 }, confine: true, renderMode: "richText", ...more,
  };
}

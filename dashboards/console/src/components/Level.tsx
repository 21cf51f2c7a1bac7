import type { ReactNode } from "react";
import type { WarningLevel } from "../api/types";
import { useSpeech } from "../i18n";
import "../styles/level.css";

/** The colour of a warning, in words too. */
export function Level({ value }: { value: WarningLevel }): ReactNode {
  const { word } = useSpeech();
  return <span className={`level level-${value}`}>{word("level", value)}</span>;
}

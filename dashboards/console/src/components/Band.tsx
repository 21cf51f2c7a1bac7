import type { ReactNode } from "react";
import type { Band as Name } from "../api/types";
import { useSpeech } from "../i18n";

export function Band({ value }: { value: Name }): ReactNode {
  const { word } = useSpeech();
  return <span className="band-name"><i className={`swatch swatch-${value}`} aria-hidden="true" />{word("band", value)}</span>;
}

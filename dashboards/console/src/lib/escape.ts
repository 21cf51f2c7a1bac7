// Strings of attackers: what cannot be seen, or turns the line around, is written out.

const NAMED: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

// Controls; soft hyphen; Arabic letter mark; zero width and marks of direction; line separators; embeddings, overrides and
// isolates; word joiner and invisible operators; byte order mark; interlinear marks; tags; halves of surrogate pairs.
const HIDDEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}]|[\ud800-\udfff]/gu;

/** `text` with every character that is invisible, a control or changes direction written as an escape. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (c) => NAMED[c] ?? code(c.codePointAt(0) ?? 0));
}

function code(point: number): string {
  if (point < 0x100) return `\\x${point.toString(16).padStart(2, "0")}`;
  if (point < 0x10000) return `\\u${point.toString(16).padStart(4, "0")}`;
  return `\\u{${point.toString(16)}}`;
}

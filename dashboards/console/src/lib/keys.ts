// Keys of the queue, once: the handler and the help page read the same table.

export type Command =
  | "down" | "up" | "open" | "select" | "resolve" | "assign" | "false_positive" | "progress" | "search" | "help" | "close" | "more";

export const KEYS: readonly { key: string; command: Command }[] = [
  { key: "j", command: "down" },
  { key: "k", command: "up" },
  { key: "Enter", command: "open" },
  { key: "x", command: "select" },
  { key: "a", command: "assign" },
  { key: "p", command: "progress" },
  { key: "e", command: "resolve" },
  { key: "f", command: "false_positive" },
  { key: ".", command: "more" },
  { key: "/", command: "search" },
  { key: "?", command: "help" },
  { key: "Escape", command: "close" },
];

export interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  isComposing: boolean;
}
/** Where the focus is: "typing" into a field, on a "control" of its own (button, link), or on the "page". */
export type Place = "typing" | "control" | "page";

const ARROWS: Record<string, Command> = { ArrowDown: "down", ArrowUp: "up" };

/** The command of a key, or nothing: what is typed into a field stays there, Enter on a button is the button's. */
export function commandOf(press: Press, place: Place): Command | null {
  if (press.ctrlKey || press.metaKey || press.altKey || press.isComposing) return null;
  const command = KEYS.find((k) => k.key === press.key)?.command ?? null;
  if (place === "typing") return command === "close" ? command : null;
  if (command === "open" && place === "control") return null;
  return command ?? (place === "page" ? (ARROWS[press.key] ?? null) : null);
}

export function placeOf(element: Element | null): Place {
  if (!element || element === document.body) return "page";
  if (element.matches("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true], [role=combobox], [role=textbox]")) {
    return "typing";
  }
  return element.matches("button, a, summary, input, [role=button], [role=option], [role=radio], [role=tab]") ? "control" : "page";
}

export type Params = Record<string, string | number>;

/** Puts `{name}`s into a text. "one thing|{n} things": the first where `n` is 1. */
export function fill(text: string, params?: Params): string {
  if (!params) return text;
  const forms = text.split("|");
  const form = forms.length === 2 ? (forms[String(params.n) === "1" ? 0 : 1] ?? text) : text;
  return form.replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));
}

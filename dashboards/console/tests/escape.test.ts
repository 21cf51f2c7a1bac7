import { expect, test } from "vitest";
import { visible } from "../src/lib/escape";

const cases: [string, string, string][] = [
  ["right-to-left override", "invoice\u202egnp.exe", "invoice\\u202egnp.exe"],
  ["isolates", "a\u2066b\u2069", "a\\u2066b\\u2069"],
  ["controls", "a\u0000b\u001b[31mc\u007f\u0085", "a\\x00b\\x1b[31mc\\x7f\\x85"],
  ["lines", "a\r\nb\tc\u2028", "a\\r\\nb\\tc\\u2028"],
  ["zero width", "pay\u200bpal\ufeff\u2060", "pay\\u200bpal\\ufeff\\u2060"],
  ["invisible letters", "a\u3164b\u115f\u00ad", "a\\u3164b\\u115f\\xad"],
  ["tags", "a\u{e0041}", "a\\u{e0041}"],
  ["half a pair", "a\ud800b", "a\\ud800b"],
];
test.each(cases)("%s are written out", (_, text, shown) => expect(visible(text)).toBe(shown));
test.each(["plain.example", "青梧商业银行（虚构）", "naïve café 🔥 日本語 العربية", "<script>alert(1)</script>", "a\\x00b"])("%s is left as it is", (text) => expect(visible(text)).toBe(text));

import { describe, expect, test } from "vitest";
import { en, type Key } from "../src/i18n/en";
import { fill } from "../src/i18n/fill";
import { zh } from "../src/i18n/zh";

const keys = Object.keys(en) as Key[];
const holes = (text: string): string[] => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1] ?? ""))].sort();

test("both languages have the same keys", () => {
  expect(keys.length).toBeGreaterThan(300);
  expect(Object.keys(zh).sort()).toEqual([...keys].sort());
});
test.each(keys)("%s has a text in both languages, with the same values in it", (key) => {
  expect(en[key].trim()).not.toBe("");
  expect(zh[key].trim()).not.toBe("");
  expect(holes(zh[key])).toEqual(holes(en[key]));
});
test("Chinese texts have one form", () => expect(keys.filter((k) => zh[k].includes("|"))).toEqual([]));
test("English texts have at most two", () => expect(keys.filter((k) => en[k].split("|").length > 2)).toEqual([]));
test("no English text was left in Chinese", () => {
  const same = keys.filter((k) => zh[k] === en[k]).sort();
  expect(same).toEqual(["detail.techniques", "events.kind.dns", "events.kind.http", "events.kind.tls", "warning.notice.en", "warning.notice.zh"]);
});
describe("filling", () => {
  test("takes the form of one", () => expect(fill("{n} alert|{n} alerts", { n: "1" })).toBe("1 alert"));
  test("takes the form of many", () => expect(fill("{n} alert|{n} alerts", { n: "1,200" })).toBe("1,200 alerts"));
  test("leaves what it is not given", () => expect(fill("{a} {b}", { a: 1 })).toBe("1 {b}"));
});

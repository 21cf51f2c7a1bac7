import { describe, expect, test } from "vitest";
import type { Warning } from "../src/api/types";
import { begin, body, isComplete, preview } from "../src/workspaces/regulator/warnings/draft";

const notice = { category: "c", level: "Yellow warning", start_time: "s", scope: "where", matters: "what", measures: "do", issuer: "" };
const warning = {
  id: "w", level: "yellow", level_name: { en: "", zh: "" }, state: "draft", trigger: "critical_alert", title: { en: "", zh: "" }, orgs: [], cities: [], subject: "", created_at: "", issued_at: null,
  changed: 42, matrix: { importance: "general", damage: "general", level: "yellow", why: { en: "", zh: "" } }, notice: { en: notice, zh: notice }, basis: [], proposal: null, record: [], actions: [],
} as Warning;

describe("what is sent", () => {
  test("words that were left as they are stay the platform's", () => {
    expect(body("issue", begin(warning), warning)).toEqual({ changed: 42 });
  });
  test("words of one's own are sent in both languages", () => {
    const draft = begin(warning);
    draft.words.matters = { en: "mine ", zh: "what" };
    expect(body("edit", draft, warning)).toEqual({ matters: { en: "mine", zh: "what" }, changed: 42 });
  });
  test("an adjustment has its level and its reason", () => {
    expect(body("adjust", { ...begin(warning), level: "red", reason: " worse " }, warning)).toEqual({ level: "red", reason: "worse", changed: 42 });
  });
  test("lifting needs a reason and sends nothing else", () => {
    const draft = begin(warning);
    expect(isComplete("lift", draft)).toBe(false);
    expect(body("lift", { ...draft, reason: "over" }, warning)).toEqual({ reason: "over", changed: 42 });
  });
  test("an issuer is named in both languages or in none", () => {
    expect(isComplete("issue", { ...begin(warning), issuer: { en: "Office", zh: "" } })).toBe(false);
    expect(isComplete("issue", { ...begin(warning), issuer: { en: "Office", zh: "办公室" } })).toBe(true);
  });
});
test("an adjustment begins with the level that is proposed", () => {
  expect(begin({ ...warning, proposal: { level: "red", why: { en: "", zh: "" } } }).level).toBe("red");
  expect(begin({ ...warning, proposal: { level: "none", why: { en: "", zh: "" } } }).level).toBe("yellow");
});
test("the preview shows one's own words and the new level", () => {
  const draft = begin(warning);
  draft.words.measures = { en: "now", zh: "" };
  const shown = preview("adjust", { ...draft, level: "red" }, warning, { en: "server", zh: "服务器" });
  expect(shown.en).toMatchObject({ measures: "now", level: "Red", matters: "what" });
  expect(shown.zh.measures).toBe("do");
  expect(shown.zh.issuer).toBe("服务器");
});

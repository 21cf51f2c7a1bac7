import { describe, expect, test } from "vitest";
import type { Alert } from "../src/api/types";
import { compare, decode, encode, link, matches, NO_FILTERS, put, query, toggle } from "../src/lib/filters";
import { url } from "../src/api/client";
import { alert } from "./made";

describe("the address of a view", () => {
  const addresses = [
    "", "state=new&state=in_progress", "severity=5&org=a%26b&city=&q=10.0.0.5", "technique=T1071&from=2026-11-24T08%3A00%3A00.000Z&below=true&sort=-count&alert=abc", "assignee=",
  ];
  test.each(addresses)("comes back as it was: %s", (address) => {
    const view = decode(address);
    expect(decode(encode(view))).toEqual(view);
  });
  test("leaves defaults out", () => {
    expect(encode({ filters: NO_FILTERS, sort: "-severity", alert: null })).toBe("");
    expect(link({})).toBe("/alerts");
  });
  test("keeps an assignee of nobody, which is an empty text", () => {
    expect(decode("assignee=").filters.many.assignee).toEqual([""]);
    expect(encode(decode("assignee="))).toBe("assignee=");
  });
  test("ignores what it does not know", () => {
    expect(decode("sort=evil&unknown=1&token=secret")).toEqual({ filters: NO_FILTERS, sort: "-severity", alert: null });
  });
  test("has each value once", () => expect(decode("state=new&state=new").filters.many.state).toEqual(["new"]));
});

test("the query of the API repeats a filter of several values", () => {
  const filters = put(toggle(toggle(NO_FILTERS, "state", "new"), "state", "resolved"), "q", "a b");
  expect(url("/alerts", { ...query(filters), sort: "-severity" })).toBe("/api/v1/alerts?state=new&state=resolved&q=a+b&sort=-severity");
});
test("the query of the API asks for nobody's alerts with an empty text", () => {
  expect(url("/alerts", query(toggle(NO_FILTERS, "assignee", "")))).toBe("/api/v1/alerts?assignee=");
});
test("a filter toggled twice is gone", () => {
  expect(toggle(toggle(NO_FILTERS, "city", "ningbo"), "city", "ningbo")).toEqual(NO_FILTERS);
});

describe("an alert belongs to what is asked", () => {
  const a = alert("1", { state: "new", severity: 4, city: "ningbo", subject: "host:10.0.0.5", related: ["domain:Evil.example"], rule: "beacon", techniques: ["T1071"], last_seen: "2026-11-24T08:00:00.000000Z" });
  const asked: [string, boolean][] = [
    ["", true], ["state=new&state=resolved", true], ["state=resolved", false], ["severity=4", true], ["severity=5", false], ["severity_min=4", true], ["severity_min=5", false],
    ["city=ningbo&severity=4", true], ["city=ningbo&severity=5", false], ["subject=host%3A10.0.0.5", true], ["subject=host%3A10.0.0", false], ["technique=T1071", true],
    ["technique=T10", false], ["q=evil", true], ["q=BEACON", true], ["q=nothing", false], ["from=2026-11-24T08%3A00%3A00.000Z", true], ["from=2026-11-24T08%3A00%3A01.000Z", false],
    ["to=2026-11-24T08%3A00%3A00.000Z", false], ["to=2026-11-24T08%3A00%3A01.000Z", true], ["assignee=", true], ["assignee=wang", false],
  ];
  test.each(asked)("%s: %s", (search, belongs) => expect(matches(decode(search).filters, a)).toBe(belongs));
  test("below the line only when that is asked for", () => {
    const below: Alert = { ...a, queued: false };
    expect(matches(NO_FILTERS, below)).toBe(false);
    expect(matches({ ...NO_FILTERS, below: true }, below)).toBe(true);
  });
});

test("the most severe come first, among equals the last seen", () => {
  const rows = [alert("a", { severity: 3 }), alert("b", { severity: 5, last_seen: "2026-11-24T01:00:00.000000Z" }), alert("c", { severity: 5, last_seen: "2026-11-24T02:00:00.000000Z" })];
  expect(rows.sort(compare("-severity")).map((r) => r.id)).toEqual(["c", "b", "a"]);
  expect(rows.sort(compare("severity")).map((r) => r.id)).toEqual(["a", "b", "c"]);
});

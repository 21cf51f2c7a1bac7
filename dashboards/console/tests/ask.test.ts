import { expect, test } from "vitest";
import { asks, decode, encode, KINDS } from "../src/workspaces/analyst/events/ask";

test("what is asked comes back from the address", () => {
  const ask = { kind: "flow" as const, where: { host: "10.0.0.1", port: "443", q: "x" } };
  expect(decode(encode(ask).split("?")[1] ?? "")).toEqual(ask);
});
test("of what has no two ends nothing is asked by address, also after the kind was changed", () => {
  expect(KINDS.filter((k) => !asks(k, "host"))).toEqual(["release", "artifact", "scan"]);
  const changed = encode({ kind: "scan", where: { host: "10.0.0.1", q: "x", org: "bank" } });
  expect(changed).toBe("/events?kind=scan&q=x&org=bank");
  expect(decode("kind=scan&src_ip=10.0.0.1&q=x")).toEqual({ kind: "scan", where: { q: "x" } });
});

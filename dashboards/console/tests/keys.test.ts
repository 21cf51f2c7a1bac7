import { describe, expect, test } from "vitest";
import { en } from "../src/i18n/en";
import { commandOf, KEYS } from "../src/lib/keys";

const press = (key: string, more: object = {}): Parameters<typeof commandOf>[0] => ({ key, ctrlKey: false, metaKey: false, altKey: false, isComposing: false, ...more });

test("every key has its command on the page", () => {
  expect(KEYS.length).toBeGreaterThan(10);
  for (const { key, command } of KEYS) expect(commandOf(press(key), "page")).toBe(command);
});
test("no key has two commands", () => expect(new Set(KEYS.map((k) => k.key)).size).toBe(KEYS.length));
test("every command is explained", () => {
  for (const { command } of KEYS) expect(Object.keys(en)).toContain(`keys.${command}`);
});
describe("what is typed", () => {
  test.each(KEYS.filter((k) => k.key !== "Escape").map((k) => k.key))("%s stays in its field", (key) => expect(commandOf(press(key), "typing")).toBeNull());
  test("Escape leaves the field", () => expect(commandOf(press("Escape"), "typing")).toBe("close"));
  test("a Chinese input method keeps its keys", () => expect(commandOf(press("j", { isComposing: true }), "page")).toBeNull());
});
test.each(["ctrlKey", "metaKey", "altKey"])("with %s a key is the browser's", (modifier) => expect(commandOf(press("e", { [modifier]: true }), "page")).toBeNull());
test("Enter on a button is the button's", () => {
  expect(commandOf(press("Enter"), "control")).toBeNull();
  expect(commandOf(press("Enter"), "page")).toBe("open");
});
test("arrows move on the page, and belong to the control that has the focus", () => {
  expect(commandOf(press("ArrowDown"), "page")).toBe("down");
  expect(commandOf(press("ArrowDown"), "control")).toBeNull();
});

import { expect, test } from "vitest";

import { isOurs, safeReturn, withQuery } from "@/lib/router.svelte";

test("a query keeps the words that are not changed and loses those set to null", () => {
  expect(withQuery("?year=2026&q=strom", { year: 2025, month: 9 })).toBe("?year=2025&q=strom&month=9");
  expect(withQuery("?year=2026&q=strom", { year: null, q: "" })).toBe("");
});

test.each([
  ["/files?year=2026", "/files?year=2026"],
  ["https://other.example/", "/"],
  ["//other.example/", "/"],
  ["/\\other.example", "/"],
  ["javascript:alert(1)", "/"],
  ["/sign-in?return=/files", "/"],
  [null, "/"],
])("after the sign-in %s leads to %s", (wanted, to) => {
  expect(safeReturn(wanted)).toBe(to);
});

test.each([
  [{ button: 0 }, "/files", true],
  [{ button: 0, ctrlKey: true }, "/files", false],
  [{ button: 1 }, "/files", false],
  [{ button: 0 }, "/api/v1/documents/1/files/2", false],
  [{ button: 0 }, "/dev/mail", false],
  [{ button: 0 }, "/developers", true],
])("the router takes a click %o on %s: %s", (click, pathname, ours) => {
  globalThis.location ??= { origin: "https://portal.example" } as Location;
  const link = { pathname, target: "", origin: location.origin, hasAttribute: () => false } as unknown;
  const event = { metaKey: false, ctrlKey: false, shiftKey: false, altKey: false, defaultPrevented: false, ...click };

  expect(isOurs(link as HTMLAnchorElement, event as MouseEvent)).toBe(ours);
});

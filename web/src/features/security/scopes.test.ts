import { beforeEach, expect, test } from "vitest";

import { dayIn, endOf, readable, scopeName } from "@/features/security/scopes";
import { language } from "@/lib/i18n.svelte";

beforeEach(() => {
  language.current = "de";
});

test("a token may read what its person may, staff's everything", () => {
  expect(readable(["graphs", "invoices"], false)).toEqual(["invoices:read", "graphs:read"]);
  expect(readable([], false)).toEqual([]);
  expect(readable([], true)).toHaveLength(6);
});

test.each([
  ["invoices:read", "Rechnungen"],
  ["billing:publish", "Rechnungen und Dokumente senden"],
  ["network:publish", "Messwerte des Netzes senden"],
  ["something:else", "something:else"],
])("%s is called %s", (scope, name) => {
  expect(scopeName(scope)).toBe(name);
});

test("days are counted over the end of a year, and a day counts to its end", () => {
  expect(dayIn(90, new Date(2026, 10, 23, 12))).toBe("2027-02-21");
  expect(new Date(endOf("2027-02-21")).getTime()).toBe(new Date(2027, 1, 21, 23, 59, 59).getTime());
});

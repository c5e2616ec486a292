import { beforeEach, expect, test } from "vitest";

import { celsius, clock, date, longDate, money, month, period, rate, shortDate, size } from "@/lib/format";
import { language } from "@/lib/i18n.svelte";

beforeEach(() => {
  language.current = "de";
});

/** Formatters put spaces that do not break between a number and its unit. */
const plain = (text: string): string => text.replace(/[\u00a0\u202f]/g, " ");

test("a date does not move with the time zone of the reader", () => {
  const before = process.env.TZ;
  process.env.TZ = "America/Los_Angeles";
  expect(date("2026-09-02")).toBe("02.09.2026");
  expect(shortDate("2026-01-01")).toBe("01.01.");
  process.env.TZ = before;
});

test.each([
  ["2026-08-01", "2026-08-31", "August 2026"],
  ["2024-02-01", "2024-02-29", "Februar 2024"],
  ["2026-07-01", "2026-09-30", "Juli 2026 – September 2026"],
  ["2026-08-15", "2026-09-14", "15.08.2026 – 14.09.2026"],
  ["2026-08-15", "2026-08-15", "15.08.2026"],
  ["2026-08-15", null, "15.08.2026"],
  [null, null, ""],
])("the period from %s to %s is %s", (from, to, text) => {
  expect(period(from, to)).toBe(text);
});

test.each([
  ["1264.62", "1.264,62 €"],
  ["-27.63", "-27,63 €"],
  ["12345678901234567.89", "12.345.678.901.234.567,89 €"],
])("%s euros are %s, to the last cent", (amount, text) => {
  expect(plain(money({ amount, currency: "EUR" }))).toBe(text);
});

test.each([
  [0, "0 Byte"],
  [999, "999 Byte"],
  [184_321, "184 kB"],
  [1_800_000_000, "1,8 GB"],
])("%d bytes are %s", (bytes, text) => {
  expect(plain(size(bytes))).toBe(text);
});

test("the long date names the day of the week", () => {
  expect(longDate("2026-11-23")).toBe("Montag, 23. November 2026");
});

test("the clock is the customer's, not the reader's", () => {
  expect(clock("2026-11-23T04:00:00Z", "Europe/Berlin")).toBe("05:00");
  expect(clock("2026-11-23T04:00:00Z", "America/New_York")).toBe("23:00");
});

test("degrees have their sign and unit", () => {
  expect(plain(celsius(-3))).toBe("-3 °C");
});

test.each([
  [0, "0 bit/s"],
  [999, "999 bit/s"],
  [5_140_000, "5,1 Mbit/s"],
  [10_000_000_000, "10 Gbit/s"],
  [812_400_000, "812 Mbit/s"],
])("%d bits a second are %s", (bps, text) => {
  expect(plain(rate(bps))).toBe(text);
});

test("the months follow the language", () => {
  expect(month(3)).toBe("März");
  language.current = "en";
  expect(month(3)).toBe("March");
});

import { expect, test } from "vitest";

import { daysUntil, here, missing, pressing, share, type Dashboard, type Line } from "@/features/overview/overview";
import { pictureOf, pictures } from "@/features/overview/pictures";

const GREETING = { text: "Guten Tag", name: "Anna", date: "2026-11-23", time_zone: "Europe/Berlin" };

test("a missing part is named, one that is not installed or not for this reader is not", () => {
  const dashboard: Dashboard = {
    greeting: GREETING,
    documents: [],
    lines: { unavailable: "too_slow" },
    deadlines: { unavailable: "down" },
    contacts_to_confirm: { unavailable: "not_installed" },
  };

  expect(missing(dashboard)).toEqual(["lines", "deadlines"]);
  expect(here(dashboard.documents)).toEqual([]);
  expect(here(dashboard.deadlines)).toBeUndefined();
  expect(here(dashboard.users_waiting)).toBeUndefined();
});

test("a line's load is the fuller direction, of what was agreed", () => {
  const line = { capacity_bps: 1000, commit_bps: 100, in_bps: 20, out_bps: 50 } as Line;

  expect(share(line)).toBe(0.5);
  expect(share({ ...line, commit_bps: null })).toBe(0.05);
  expect(share({ ...line, in_bps: 500 })).toBe(1);
  expect(share({ ...line, in_bps: null, out_bps: null })).toBe(0);
});

test.each([
  ["2026-11-23", "2026-12-31", 38],
  ["2026-03-28", "2026-03-30", 2],
  ["2026-11-23", "2026-11-23", 0],
  ["2026-11-23", "2026-11-20", -3],
])("from %s until %s are %d days, whatever the clocks do", (today, day, days) => {
  expect(daysUntil(today, day)).toBe(days);
});

test("a date is the more pressing the nearer it is", () => {
  expect([3, 14, 15, 92, 93].map(pressing)).toEqual(["bad", "bad", "warn", "warn", ""]);
});

test("weather that this page has no picture of is a cloud", () => {
  expect(pictureOf("sun-cloud")).toBe(pictures["sun-cloud"]);
  expect(pictureOf("tornado")).toBe(pictures.cloud);
});

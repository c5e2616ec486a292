import { beforeEach, expect, test } from "vitest";

import { language } from "@/lib/i18n.svelte";

import {
  byMonth,
  characteristics,
  factsOf,
  isDay,
  kindName,
  left,
  lineOf,
  ownDates,
  quantity,
  stateTag,
  today,
} from "@/features/contracts/terms";
import type { Contract, Deadline, Position } from "@/features/contracts/types";

beforeEach(() => {
  language.current = "de";
});

const position = (changes: Partial<Position> = {}): Position => ({
  number: "1",
  quantity: 1,
  unit: "Stück",
  product: "Rack",
  telecom_service: false,
  characteristics: {},
  starts_on: "2023-04-01",
  ends_on: null,
  earliest_end_on: "2027-03-31",
  statutory: null,
  ...changes,
});

const contract = (changes: Partial<Contract> = {}): Contract => ({
  id: "c",
  version: 1,
  as_of: "2026-11-23",
  telecom_service: false,
  notice: { value: 3, unit: "months", to: "term_end" },
  number: "V-1",
  name: "Colocation",
  site: null,
  cost_centre: null,
  signed_on: null,
  state: "active",
  starts_on: "2023-04-01",
  min_term_months: 36,
  min_term_ends_on: "2026-03-31",
  current_term_ends_on: "2027-03-31",
  renewal_months: 12,
  earliest_end_on: "2027-03-31",
  last_notice_day: "2026-12-31",
  statutory: null,
  cancelled_on: null,
  ends_on: null,
  charged_until: null,
  positions: [],
  basis: "",
  ...changes,
});

const deadline = (on: string, changes: Partial<Deadline> = {}): Deadline => ({
  contract_id: "c",
  number: "V-1",
  name: "Colocation",
  site: null,
  kind: "last_notice_day",
  on,
  days_left: 0,
  earliest_end_on: null,
  title: "",
  basis: "",
  ...changes,
});

const values = (one: Contract): string[] => factsOf(one, "2026-11-23").map(({ value }) => value);

test("today is the day in Berlin, whatever the clock of the browser says", () => {
  expect(today(new Date("2026-11-22T23:30:00Z"))).toBe("2026-11-23");
  expect(today(new Date("2026-07-01T21:59:00Z"))).toBe("2026-07-01");
});

test.each([
  ["2026-12-31", "noch 38 Tage", "warn"],
  ["2026-12-24", "noch 31 Tage", "bad"],
  ["2026-11-24", "noch 1 Tag", "bad"],
  ["2026-11-23", "heute", "bad"],
])("until %s: %s", (day, text, tone) => {
  expect(left("2026-11-23", day)).toMatchObject({ text, tone });
});

test("what is over or far away is not counted", () => {
  expect(left("2026-11-23", "2026-11-22")).toBeUndefined();
  expect(left("2026-11-23", "2027-06-30")).toBeUndefined();
});

test("a running contract is asked for start, term, end and last notice day", () => {
  expect(values(contract())).toEqual(["01.04.2023", "36 Monate", "31.03.2027", "31.12.2026"]);
  expect(factsOf(contract(), "2026-11-23")[1]?.more).toBe("bis 31.03.2026");
});

test("without a minimum term and with notice at any time nothing is invented", () => {
  const free = contract({
    min_term_months: null,
    min_term_ends_on: null,
    current_term_ends_on: null,
    last_notice_day: null,
  });
  expect(values(free)).toEqual(["01.04.2023", "keine", "31.03.2027", "jederzeit möglich"]);
});

test("a cancelled contract names the day of its notice and its last day", () => {
  const cancelled = contract({ state: "cancelled", cancelled_on: "2026-06-15", ends_on: "2026-12-31" });
  expect(values(cancelled)).toEqual(["01.04.2023", "36 Monate", "15.06.2026", "31.12.2026"]);
  expect(stateTag(cancelled).text).toBe("gekündigt zum 31.12.2026");
});

test("cancelled without a day by the operator: it ends as the agreed notice gives it", () => {
  const cancelled = contract({ state: "cancelled", cancelled_on: "2026-06-15", ends_on: null });
  expect(stateTag(cancelled).text).toBe("gekündigt zum 31.03.2027");
});

test("units that nobody knows and large quantities are shown as they are", () => {
  expect(quantity(136)).toBe("136");
  expect(quantity(1000)).toBe("1.000");
  expect(quantity(0.5)).toBe("0,5");
  expect(quantity("nach Aufwand")).toBe("nach Aufwand");
});

test("characteristics are said whatever they are called", () => {
  const rack = position({ characteristics: { height_units: 42, locked: true, note: null, depth: "1000 mm" } });
  expect(characteristics(rack)).toBe("height units: 42 · locked: ja · depth: 1000 mm");
});

test("a position says only what differs from its contract, and the law's date is never the contract's", () => {
  expect(ownDates(position(), contract())).toEqual([]);
  expect(ownDates(position({ starts_on: "2024-05-01" }), contract())).toEqual(["Beginnt am 01.05.2024"]);
  const telecom = position({ statutory: { earliest_end_on: "2026-12-22", basis: "", rule: "" } });
  expect(ownDates(telecom, contract())).toEqual(["Frühestes Ende nach dem Gesetz: 22.12.2026"]);
  const bundle = contract({ statutory: { earliest_end_on: "2026-12-22", basis: "", rule: "" } });
  expect(ownDates(telecom, bundle)).toEqual([]);
});

test("deadlines come month by month, the past ones are left out", () => {
  const groups = byMonth([deadline("2027-03-31"), deadline("2026-12-31"), deadline("2026-12-01"), deadline("2026-11-22")], "2026-11-23");
  expect(groups.map(({ month, deadlines }) => [month, deadlines.map(({ on }) => on)])).toEqual([
    ["2026-12", ["2026-12-01", "2026-12-31"]],
    ["2027-03", ["2027-03-31"]],
  ]);
});

test("the line has one lane for each contract and says that there is more later", () => {
  const line = lineOf([deadline("2027-11-23"), deadline("2028-11-23", { contract_id: "d" }), deadline("2030-01-01")], "2026-11-23");
  expect(line.lanes.map(({ id }) => id)).toEqual(["c", "d"]);
  expect(line.lanes[0]?.marks.map(({ percent }) => Math.round(percent))).toEqual([50]);
  expect(line.lanes[1]?.marks.map(({ percent }) => percent)).toEqual([100]);
  expect(line.later).toBe(true);
  expect(line.ticks[0]?.day).toBe("2026-12-01");
});

test("a kind that this page does not know is a date", () => {
  expect(kindName("something_new")).toBe("Termin");
});

test.each([
  ["2027-01-01", true],
  ["2027-02-30", false],
  ["1066-01-01", false],
  ["", false],
  [null, false],
])("%s as the day of the view: %s", (text, fits) => {
  expect(isDay(text)).toBe(fits);
});

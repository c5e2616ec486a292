import { beforeEach, expect, test } from "vitest";

import { language } from "@/lib/i18n.svelte";

import { axisLabels, bucketTitle, power, rate, slot, timeLabels, volume } from "@/features/graphs/figures";
import { barsDrawing, ratesDrawing, topOf } from "@/features/graphs/drawing";
import type { Bandwidth, Volume } from "@/features/graphs/metrics";
import { limitOf, warningText } from "@/features/graphs/warnings";
import { bucketOf, bucketsFor, choiceOf, lastMonths, moved, rangeWords, scaled, stamp, zoomWords } from "@/features/graphs/range";
import { fieldOf, momentIn, momentOf, monthStart, wallAt } from "@/features/graphs/zone";

const ZONE = "Europe/Berlin";
const NOW = new Date("2026-11-23T04:32:10Z");
const query = (text: string) => new URLSearchParams(text);
const choice = (text: string) => choiceOf(query(text), ZONE, NOW);
const shown = (text: string) => choice(text).shown;
const wall = (text: string) => momentIn(ZONE, text)?.toISOString();
const plain = (text: string) => text.replaceAll(/[\u00a0\u202f\u2009]/g, " ");

beforeEach(() => {
  language.current = "de";
});

test("moments and wall clock agree, also when the clocks change", () => {
  expect(wall("2026-07-01T00:00")).toBe("2026-06-30T22:00:00.000Z");
  expect(wall("2026-12-01T00:00")).toBe("2026-11-30T23:00:00.000Z");
  // 02:30 exists twice in October and not at all in March.
  expect(wall("2026-10-25T02:30")).toBe("2026-10-25T00:30:00.000Z");
  expect(wall("2026-10-25T03:00")).toBe("2026-10-25T02:00:00.000Z");
  expect(wall("2026-03-29T02:30")).toBe("2026-03-29T01:30:00.000Z");
  expect(wallAt(ZONE, new Date("2026-03-29T01:30:00Z"))).toMatchObject({ hour: 3, minute: 30 });
  expect(fieldOf(ZONE, new Date("2026-11-23T04:32:10Z"))).toBe("2026-11-23T05:32");
  expect(momentIn(ZONE, "morgen")).toBeNull();
});

test("every quarter of an hour of a year comes back from its wall clock, but for the hour that comes twice", () => {
  let twice = 0;
  for (let at = Date.UTC(2026, 0, 1); at < Date.UTC(2027, 0, 1); at += 900_000) {
    if (momentOf(ZONE, wallAt(ZONE, new Date(at))).getTime() !== at) twice += 1;
  }
  expect(twice).toBe(4);
});

test("months have as many slots as the customer's calendar says", () => {
  const slots = (year: number, month: number) =>
    (monthStart(ZONE, year, month + 1).getTime() - monthStart(ZONE, year, month).getTime()) / 300_000;
  expect([slots(2026, 11), slots(2026, 12), slots(2026, 10), slots(2026, 3)]).toEqual([8640, 8928, 8940, 8916]);
});

test("the address brings back the stretch of time", () => {
  expect(shown("")).toEqual({ from: new Date("2026-11-22T04:35:00Z"), to: new Date("2026-11-23T04:35:00Z") });
  expect(shown("range=month&month=2026-10")).toEqual({
    from: new Date("2026-09-30T22:00:00Z"),
    to: new Date("2026-10-31T23:00:00Z"),
  });
  expect(shown("range=year").from).toEqual(new Date("2025-12-31T23:00:00Z"));
  const free = "range=free&from=2026-11-01T00:00Z&to=2026-11-02T12:00Z";
  expect(shown(free).to).toEqual(new Date("2026-11-02T12:00:00Z"));
  expect(choice(`${free}&zoom=2026-11-01T01:00Z,2026-11-01T02:00Z`)).toMatchObject({
    zoomed: true,
    shown: { from: new Date("2026-11-01T01:00:00Z") },
    whole: { from: new Date("2026-11-01T00:00:00Z") },
  });
});

test("an address that makes no sense shows the last day", () => {
  const day = shown("");
  for (const text of [
    "range=ever",
    "range=free&from=gestern&to=heute",
    "range=free&from=2026-11-02T00:00Z&to=2026-11-01T00:00Z",
    "zoom=2026-11-02T00:00Z,2026-11-02T00:00Z",
    "zoom=,",
  ]) {
    expect(shown(text)).toEqual(day);
  }
  expect(shown("range=month&month=2026-13")).toEqual(shown("range=month"));
  expect(shown("range=year&year=-5")).toEqual(shown("range=year"));
});

test("what is written into the address is read out of it", () => {
  const { shown: seen } = choice("range=7d");
  const words = rangeWords("free", seen);
  expect(shown(`range=free&from=${words["from"]}&to=${words["to"]}`)).toEqual(seen);
  expect(rangeWords("24h", seen)["range"]).toBeNull();
});

test("a zoom lies on slots' borders and is never narrower than half an hour", () => {
  const at = (text: string) => Date.parse(`2026-11-01T${text}Z`);
  expect(zoomWords(at("01:02:30"), at("02:58:10"))).toEqual({ zoom: "2026-11-01T01:00Z,2026-11-01T03:00Z" });
  expect(zoomWords(at("01:00:00"), at("01:10:00"))).toEqual({ zoom: "2026-11-01T00:50Z,2026-11-01T01:20Z" });
  expect(zoomWords(at("01:00:00"), at("01:00:00"))).toBeNull();
  expect(zoomWords(Number.NaN, at("01:00:00"))).toBeNull();
});

test("nearer halves, wider doubles and ends at the whole", () => {
  const day = choice("range=free&from=2026-11-01T00:00Z&to=2026-11-02T00:00Z");
  expect(scaled(day, 0.5)).toEqual({ zoom: "2026-11-01T06:00Z,2026-11-01T18:00Z" });
  expect(scaled(day, 2)).toBeNull();
  const text = "range=free&from=2026-11-01T00:00Z&to=2026-11-02T00:00Z&zoom=";
  expect(scaled(choice(`${text}2026-11-01T06:00Z,2026-11-01T18:00Z`), 2)).toEqual({ zoom: null });
  expect(scaled(choice(`${text}2026-11-01T06:00Z,2026-11-01T07:00Z`), 2)).toEqual({
    zoom: "2026-11-01T05:30Z,2026-11-01T07:30Z",
  });
  expect(scaled(choice(`${text}2026-11-01T06:00Z,2026-11-01T06:30Z`), 0.5)).toBeNull();
});

test("earlier and later: calendar steps for months and years, nothing in the future", () => {
  const step = (text: string, by: -1 | 1) => moved(choice(text), by, ZONE, NOW);
  expect(step("range=month&month=2026-01", -1)).toEqual({ month: "2025-12" });
  expect(step("range=month&month=2025-12", 1)).toEqual({ month: "2026-01" });
  expect(step("range=month", 1)).toBeNull();
  expect(step("range=year", -1)).toEqual({ year: "2025" });
  expect(step("", -1)).toMatchObject({ range: "free", from: "2026-11-21T04:35Z", to: "2026-11-22T04:35Z" });
  expect(step("", 1)).toBeNull();
  expect(step("zoom=2026-11-01T01:00Z,2026-11-01T02:00Z", 1)).toEqual({ zoom: "2026-11-01T02:00Z,2026-11-01T03:00Z" });
  expect(lastMonths(ZONE, NOW, 12).at(-1)).toBe("2025-12");
});

test("volume is cut so that bars stay readable", () => {
  expect(bucketsFor(shown(""))).toEqual(["hour"]);
  expect(bucketsFor(shown("range=year"))).toEqual(["day", "month"]);
  expect(bucketOf(query(""), shown("range=7d"))).toBe("day");
  expect(bucketOf(query("bucket=hour"), shown("range=7d"))).toBe("hour");
  expect(bucketOf(query("bucket=hour"), shown("range=year"))).toBe("month");
  expect(bucketOf(query(""), shown("range=free&from=2000-01-01T00:00Z&to=2026-01-01T00:00Z"))).toBe("month");
});

test("rates and volumes have three digits and the unit that fits", () => {
  expect(plain(rate(7_412_345))).toBe("7,41 Mbit/s");
  expect(plain(rate(999_960))).toBe("1 Mbit/s");
  expect(plain(rate(0))).toBe("0 bit/s");
  expect(plain(volume(1_264_620_000_000))).toBe("1,26 TB");
  expect(plain(volume(12))).toBe("12 Byte");
  expect(power(999_499)).toBe(1);
  expect(axisLabels([0, 500_000, 1_000_000], "bit/s").map(plain)).toEqual(["0", "0,5 Mbit/s", "1 Mbit/s"]);
  language.current = "en";
  expect(plain(rate(7_412_345))).toBe("7.41 Mbit/s");
});

test("times stand in the customer's time zone", () => {
  const at = new Date("2026-11-22T23:00:00Z");
  expect(plain(slot(ZONE, at, 300))).toBe("Mo., 23.11.2026, 00:00–00:05");
  expect(bucketTitle(ZONE, "month", new Date("2026-10-31T23:00:00Z"))).toBe("November 2026");
  expect(timeLabels(ZONE, [at.getTime() / 1000, at.getTime() / 1000 + 7200], 7200)).toEqual(["Mo., 23.11.", "02:00"]);
  expect(stamp(at)).toBe("2026-11-22T23:00Z");
});

const BANDWIDTH: Bandwidth = {
  from: "2026-11-01T00:00:00Z",
  to: "2026-11-01T03:00:00Z",
  time_zone: ZONE,
  unit: "bit/s",
  percentile_method: "max_of_directions",
  capacity_bps: 1000,
  step_seconds: 3600,
  series: {
    at: ["2026-11-01T00:00:00Z", "2026-11-01T01:00:00Z", "2026-11-01T02:00:00Z"],
    in_avg: [1, null, 3],
    in_max: [5, null, 6],
    out_avg: [0, null, 2],
    out_max: [0, null, 4],
  },
  summary: { in: { avg: 2, max: 6, p95: 6 }, out: { avg: 1, max: 4, p95: 4 } },
  p95: 6,
  p95_of_seconds: 300,
  commit_bps: 10,
  samples: 24,
  expected_samples: 36,
  gaps: [{ from: "2026-11-01T01:00:00Z", to: "2026-11-01T02:00:00Z" }],
};

test("a picture keeps gaps as gaps, and peaks only where a step holds several measurements", () => {
  const drawing = ratesDrawing(BANDWIDTH, ZONE);
  const start = Date.parse(BANDWIDTH.from) / 1000;
  expect(drawing.at).toEqual([start + 1800, start + 5400, start + 9000]);
  expect(drawing.incoming).toEqual([1, null, 3]);
  expect(drawing.peaks?.incoming).toEqual([5, null, 6]);
  expect(drawing.gaps).toEqual([[start + 3600, start + 7200]]);
  expect(drawing.marks.map(({ kind }) => kind)).toEqual(["commit", "percentile"]);
  expect(ratesDrawing({ ...BANDWIDTH, step_seconds: 300, commit_bps: null }, ZONE)).toMatchObject({
    peaks: null,
    marks: [{ kind: "percentile", value: 6 }],
  });
});

test("a mark far above the traffic does not press the picture flat", () => {
  const commit = (value: number) => [{ kind: "commit" as const, value }];
  expect(topOf([[1, null, 6]], commit(10))).toBe(10);
  expect(topOf([[1, null, 6]], commit(1000))).toBe(6);
  expect(topOf([[null, 0]], commit(1000))).toBe(1000);
  expect(topOf([], [])).toBe(1);
});

test("bars stand in the middle of their day, the outer ones whole", () => {
  const data: Volume = {
    from: "2026-10-24T22:00:00Z",
    to: "2026-10-25T23:00:00Z",
    unit: "byte",
    bucket: "day",
    time_zone: ZONE,
    buckets: [{ start: "2026-10-24T22:00:00Z", end: "2026-10-25T23:00:00Z", in: 7, out: null, samples: 1, expected_samples: 300 }],
    total: { in: 7, out: 0 },
  };
  const shownPart = { from: new Date("2026-10-25T00:00:00Z"), to: new Date("2026-10-25T12:00:00Z") };
  const drawing = barsDrawing(data, shownPart, ZONE);
  expect(drawing.to - drawing.from).toBe(25 * 3600);
  expect(drawing.at).toEqual([drawing.from + 12.5 * 3600]);
  expect([drawing.incoming, drawing.outgoing]).toEqual([[7], [null]]);
});

test("limits are typed in Mbit/s and GB, with comma or point, and are whole bits and bytes", () => {
  expect(limitOf("rate", "8,5")).toBe(8_500_000);
  expect(limitOf("rate", " 100 ")).toBe(100_000_000);
  expect(limitOf("volume", "0.5")).toBe(500_000_000);
  for (const typed of ["", "0", "-1", "1e3", "1.000,5", "viel", "999999999999"]) expect(limitOf("volume", typed)).toBeNull();
  const warning = { kind: "rate", direction: "in", limit: 8_500_000, minutes: 15 } as const;
  expect(plain(warningText(warning))).toBe("zu Ihnen 15 Minuten lang über 8,5 Mbit/s");
  expect(plain(warningText({ ...warning, kind: "volume", direction: "sum" }))).toBe("beide Richtungen zusammen mehr als 8,5 MB im Monat");
});

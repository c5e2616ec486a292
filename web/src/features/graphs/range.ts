/** Which stretch of time the page shows: read from the address, so that the address brings it back. */
import { monthName, monthStart, wallAt } from "@/features/graphs/zone";

export const RANGES = ["24h", "7d", "30d", "month", "year", "free"] as const;
export type Range = (typeof RANGES)[number];
export type Stretch = { from: Date; to: Date };
export type Choice = { range: Range; shown: Stretch; whole: Stretch; zoomed: boolean };
/** Words of the address to set; null takes one away. */
export type Words = Record<string, string | null>;

const SLOT = 300_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** The narrowest zoom: half an hour, six measurements. */
const LEAST = 6 * SLOT;
const ROLLING = { "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY } as const;

const length = ({ from, to }: Stretch): number => to.getTime() - from.getTime();
const stretch = (from: number, to: number): Stretch => ({ from: new Date(from), to: new Date(to) });

/** A moment in the address: to the minute, in UTC. */
export function stamp(when: Date): string {
  return `${when.toISOString().slice(0, 16)}Z`;
}

function moment(text: string | undefined | null): number {
  return text && /^\d{4}-\d\d-\d\dT\d\d:\d\dZ$/.test(text) ? Date.parse(text) : Number.NaN;
}

function between(from: string | null | undefined, to: string | null | undefined): Stretch | null {
  const [first, last] = [moment(from), moment(to)];
  return first < last ? stretch(first, last) : null;
}

/** The end of the slot that is running: what is measured now stands at the right edge. */
export function edgeOf(now: Date): number {
  return Math.ceil(now.getTime() / SLOT) * SLOT;
}

export function monthOf(query: URLSearchParams, zone: string, now: Date): string {
  const said = query.get("month") ?? "";
  return /^(19|20)\d\d-(0[1-9]|1[0-2])$/.test(said) ? said : monthName(zone, now);
}

function yearOf(query: URLSearchParams, zone: string, now: Date): number {
  const said = Number(query.get("year") ?? Number.NaN);
  return Number.isInteger(said) && said >= 1990 && said <= 2100 ? said : wallAt(zone, now).year;
}

/** A calendar month of the customer. */
export function monthStretch(month: string, zone: string): Stretch {
  const [year = 0, number = 0] = month.split("-").map(Number);
  return { from: monthStart(zone, year, number), to: monthStart(zone, year, number + 1) };
}

function wholeOf(range: Range, query: URLSearchParams, zone: string, now: Date): Stretch {
  if (range === "month") return monthStretch(monthOf(query, zone, now), zone);
  if (range === "year") {
    const year = yearOf(query, zone, now);
    return { from: monthStart(zone, year, 1), to: monthStart(zone, year + 1, 1) };
  }
  const free = range === "free" ? between(query.get("from"), query.get("to")) : null;
  const edge = edgeOf(now);
  return free ?? stretch(edge - ROLLING[range === "free" ? "24h" : range], edge);
}

export function choiceOf(query: URLSearchParams, zone: string, now: Date): Choice {
  const said = query.get("range") as Range | null;
  const range = said && RANGES.includes(said) ? said : "24h";
  const whole = wholeOf(range, query, zone, now);
  const [first, last] = (query.get("zoom") ?? "").split(",");
  const zoom = between(first, last);
  return { range, whole, shown: zoom ?? whole, zoomed: zoom !== null };
}

/** The words for another range; the old one's are dropped, and a free one starts from what is seen. */
export function rangeWords(range: Range, shown: Stretch): Words {
  const none = { zoom: null, month: null, year: null, from: null, to: null };
  return range === "free"
    ? { ...none, range, from: stamp(shown.from), to: stamp(shown.to) }
    : { ...none, range: range === "24h" ? null : range };
}

/** A zoom on slots' borders; a mere click, or less than half an hour, is none. */
export function zoomWords(from: number, to: number): Words | null {
  const [first, last] = [Math.floor(from / SLOT) * SLOT, Math.ceil(to / SLOT) * SLOT];
  if (!(to - from >= SLOT)) return null;
  const missing = Math.max(0, LEAST - (last - first));
  const start = first - Math.floor(missing / 2 / SLOT) * SLOT;
  return { zoom: `${stamp(new Date(start))},${stamp(new Date(last + missing - (first - start)))}` };
}

/** Half or twice of what is seen, about its middle; null when there is nothing nearer or wider. */
export function scaled({ shown, whole, zoomed }: Choice, factor: 0.5 | 2): Words | null {
  const wanted = length(shown) * factor;
  const middle = (shown.from.getTime() + shown.to.getTime()) / 2;
  if (factor === 2) {
    if (!zoomed) return null;
    if (wanted >= length(whole)) return { zoom: null };
  } else if (wanted < LEAST) return null;
  return zoomWords(middle - wanted / 2, middle + wanted / 2);
}

export const monthAfter = (month: string, steps: number): string => {
  const [year = 0, number = 0] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number - 1 + steps, 1)).toISOString().slice(0, 7);
};

/** The stretch before (-1) or after (1); nothing lies in the future. */
export function moved(choice: Choice, step: -1 | 1, zone: string, now: Date): Words | null {
  const { shown, range, zoomed } = choice;
  if (step === 1 && shown.to.getTime() >= edgeOf(now)) return null;
  const [from, to] = [shown.from.getTime() + step * length(shown), shown.to.getTime() + step * length(shown)];
  if (zoomed) return zoomWords(from, to);
  if (range === "month") return { month: monthAfter(monthName(zone, shown.from), step) };
  if (range === "year") return { year: String(wallAt(zone, shown.from).year + step) };
  return rangeWords("free", stretch(from, to));
}

/** The last months, newest first, down to the earliest that can hold anything. */
export function lastMonths(zone: string, now: Date, count: number): string[] {
  const newest = monthName(zone, now);
  return Array.from({ length: count }, (_, back) => monthAfter(newest, -back));
}

export const BUCKETS = ["hour", "day", "month"] as const;
export type Bucket = (typeof BUCKETS)[number];

/** How volume can be cut so that bars are neither one nor a thousand. */
export function bucketsFor(shown: Stretch): Bucket[] {
  const days = length(shown) / DAY;
  return BUCKETS.filter(
    (bucket) =>
      (bucket === "hour" && days <= 32) || (bucket === "day" && days > 1.5 && days <= 750) || (bucket === "month" && days > 45),
  );
}

export function bucketOf(query: URLSearchParams, shown: Stretch): Bucket {
  const possible = bucketsFor(shown);
  const said = query.get("bucket") as Bucket | null;
  if (said && possible.includes(said)) return said;
  const days = length(shown) / DAY;
  const usual: Bucket = days <= 3 ? "hour" : days <= 100 ? "day" : "month";
  return possible.includes(usual) ? usual : (possible.at(-1) ?? "month");
}

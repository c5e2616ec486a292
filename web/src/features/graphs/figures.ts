/** Bit rates, volumes and moments as the reader writes them. Base 1000 throughout. */
import { language } from "@/lib/i18n.svelte";

const PREFIXES = ["", "k", "M", "G", "T", "P"];
const NBSP = "\u00a0";

/** The power of 1000 in which a value is written. */
export function power(value: number): number {
  const size = Math.abs(value);
  if (!(size >= 1000)) return 0;
  const step = Math.min(PREFIXES.length - 1, Math.floor(Math.log10(size) / 3));
  // 999.96 k is shown as 1 M, not as 1,000 k.
  const rounded = Number((size / 1000 ** step).toPrecision(3));
  return rounded >= 1000 && step < PREFIXES.length - 1 ? step + 1 : step;
}

function figure(value: number, step: number, digits: Intl.NumberFormatOptions): string {
  return new Intl.NumberFormat(language.locale, digits).format(value / 1000 ** step);
}

function write(value: number, unit: string): string {
  const step = power(value);
  return `${figure(value, step, { maximumSignificantDigits: 3 })}${NBSP}${PREFIXES[step]}${unit}`;
}

/** `5,1 Mbit/s` */
export const rate = (bps: number): string => write(bps, "bit/s");
/** `1,26 TB` */
export const volume = (bytes: number): string => write(bytes, bytes >= 1000 ? "B" : "Byte");

/** All digits, for those who recompute: `7.412.345 bit/s`. */
export function exactRate(bps: number): string {
  return `${new Intl.NumberFormat(language.locale, { maximumFractionDigits: 3 }).format(bps)}${NBSP}bit/s`;
}

/** Labels of an axis share one unit: the largest's. */
export function axisLabels(values: number[], unit: string): string[] {
  const step = power(Math.max(0, ...values.map(Math.abs)));
  return values.map((value) =>
    value === 0 ? "0" : `${figure(value, step, { maximumFractionDigits: 2 })}${NBSP}${PREFIXES[step]}${unit}`,
  );
}

export function percent(share: number, digits = 1): string {
  return new Intl.NumberFormat(language.locale, { style: "percent", maximumFractionDigits: digits }).format(share);
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language.locale} ${zone} ${JSON.stringify(options)}`;
  const known = formats.get(key) ?? new Intl.DateTimeFormat(language.locale, { ...options, timeZone: zone });
  formats.set(key, known);
  return known;
}

const DAY = { weekday: "short", day: "2-digit", month: "2-digit" } as const;
const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;

/** `Mo., 23.11.2026, 14:05` in the customer's time zone. */
export function moment(zone: string, when: Date): string {
  return format(zone, { ...DAY, year: "numeric", ...CLOCK }).format(when);
}

/** `23.11.2026, 14:05`: where many stand below each other. */
export function brief(zone: string, when: Date): string {
  return format(zone, { day: "2-digit", month: "2-digit", year: "numeric", ...CLOCK }).format(when);
}

/** A measured stretch: as short as its length allows. */
export function slot(zone: string, from: Date, seconds: number): string {
  if (seconds >= 86_400) {
    const last = new Date(from.getTime() + (seconds - 1) * 1000);
    const days = format(zone, { ...DAY, year: "numeric" });
    return seconds > 90_000 ? days.formatRange(from, last) : days.format(from);
  }
  const end = new Date(from.getTime() + seconds * 1000);
  return `${moment(zone, from)}–${format(zone, CLOCK).format(end)}`;
}

export function stretchText(zone: string, from: Date, to: Date): string {
  return `${moment(zone, from)} – ${moment(zone, to)}`;
}

/** `November 2026` of `2026-11`. */
export function monthTitle(month: string): string {
  return format("UTC", { month: "long", year: "numeric" }).format(new Date(`${month}-01T00:00:00Z`));
}

/** What a bar of volume stands for. */
export function bucketTitle(zone: string, bucket: "hour" | "day" | "month", start: Date): string {
  if (bucket === "month") return format(zone, { month: "long", year: "numeric" }).format(start);
  if (bucket === "day") return format(zone, { ...DAY, year: "numeric" }).format(start);
  return slot(zone, start, 3600);
}

/** Labels under the picture: hours within a day, days within a month, then months and years. */
export function timeLabels(zone: string, seconds: number[], step: number): string[] {
  const clock = format(zone, CLOCK);
  const day = format(zone, { day: "2-digit", month: "2-digit" });
  const weekday = format(zone, { weekday: "short", day: "2-digit", month: "2-digit" });
  const month = format(zone, { month: "short" });
  const year = format(zone, { month: "short", year: "numeric" });
  return seconds.map((second, index) => {
    const when = new Date(second * 1000);
    if (step >= 27 * 86_400) return index === 0 || month.format(when) === month.format(new Date(0)) ? year.format(when) : month.format(when);
    if (step >= 86_400) return day.format(when);
    const shown = clock.format(when);
    return shown === "00:00" ? weekday.format(when) : shown;
  });
}

/** `Berlin` of `Europe/Berlin`. */
export const zoneName = (zone: string): string => (zone.split("/").at(-1) ?? zone).replaceAll("_", " ");

/** Dates, money and sizes in the reader's format. */
import { language } from "@/lib/i18n.svelte";

export type Money = { amount: string; currency: string };

/** A plain date has no time zone: it is read and written in UTC, so it never moves. */
const day = (iso: string): Date => new Date(`${iso.slice(0, 10)}T00:00:00Z`);

const write = (when: Date, options: Intl.DateTimeFormatOptions): string =>
  new Intl.DateTimeFormat(language.locale, options).format(when);

export function date(iso: string): string {
  return write(day(iso), { day: "2-digit", month: "2-digit", year: "numeric", timeZone: "UTC" });
}

/** Day and month: for dates that lie close. */
export function shortDate(iso: string): string {
  return write(day(iso), { day: "2-digit", month: "2-digit", timeZone: "UTC" });
}

export function month(number: number): string {
  return write(new Date(Date.UTC(2024, number - 1, 1)), { month: "long", timeZone: "UTC" });
}

export function monthOf(iso: string): string {
  return write(day(iso), { month: "long", year: "numeric", timeZone: "UTC" });
}

/** A moment, in the reader's own time zone. */
export function time(iso: string): string {
  return write(new Date(iso), { dateStyle: "medium", timeStyle: "short" });
}

/** With the day of the week: "Montag, 23. November 2026". */
export function longDate(iso: string): string {
  return write(day(iso), { weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
}

/** The time of day of a moment, where the customer is. */
export function clock(iso: string, timeZone: string): string {
  return write(new Date(iso), { hour: "2-digit", minute: "2-digit", timeZone });
}

export function celsius(degrees: number): string {
  return new Intl.NumberFormat(language.locale, { style: "unit", unit: "celsius" }).format(degrees);
}

/** "August 2026" for a whole month, else the first and last day. */
export function period(from: string | null | undefined, to: string | null | undefined): string {
  if (!from || !to) return from || to ? date((from ?? to) as string) : "";
  if (from === to) return date(from);
  const [first, last] = [day(from), day(to)];
  const whole = first.getUTCDate() === 1 && new Date(last.getTime() + 86_400_000).getUTCDate() === 1;
  if (!whole) return `${date(from)} – ${date(to)}`;
  return from.slice(0, 7) === to.slice(0, 7) ? monthOf(from) : `${monthOf(from)} – ${monthOf(to)}`;
}

export function money({ amount, currency }: Money): string {
  // The text goes to the formatter as it is: numbers in between would round large amounts.
  return new Intl.NumberFormat(language.locale, { style: "currency", currency }).format(
    amount as Intl.StringNumericLiteral,
  );
}

const RATES = ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"];

/** What goes through a line: "5,1 Mbit/s". */
export function rate(bps: number): string {
  const step = bps < 1000 ? 0 : Math.min(RATES.length - 1, Math.floor(Math.log10(bps) / 3));
  const value = bps / 1000 ** step;
  const digits = { maximumFractionDigits: value < 100 && step > 0 ? 1 : 0 };
  return `${new Intl.NumberFormat(language.locale, digits).format(value)}\u00a0${RATES[step]}`;
}

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

export function size(bytes: number): string {
  const step = bytes < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** step;
  return new Intl.NumberFormat(language.locale, {
    style: "unit",
    unit: UNITS[step],
    unitDisplay: step === 0 ? "long" : "short",
    maximumFractionDigits: step > 1 && value < 10 ? 1 : 0,
  }).format(value);
}

export function number(value: number): string {
  return new Intl.NumberFormat(language.locale).format(value);
}

const STEPS: [Intl.RelativeTimeFormatUnit, seconds: number][] = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];
const LONG_AGO_DAYS = 30;

/** "vor 5 Minuten", "gestern"; what is long ago is said by its date. */
export function ago(iso: string, now: number = Date.now()): string {
  const seconds = Math.round((Date.parse(iso) - now) / 1000);
  if (Math.abs(seconds) > LONG_AGO_DAYS * 86_400) {
    return write(new Date(iso), { day: "2-digit", month: "2-digit", year: "numeric" });
  }
  const words = new Intl.RelativeTimeFormat(language.locale, { numeric: "auto" });
  const [unit, step] = STEPS.find(([, least]) => Math.abs(seconds) >= least) ?? ["second", 0];
  return step === 0 ? words.format(0, "second") : words.format(Math.trunc(seconds / step), unit as Intl.RelativeTimeFormatUnit);
}

/** Wall clock and moment in a named time zone, with nothing but the browser's own calendar. */
export type Wall = { year: number; month: number; day: number; hour: number; minute: number };

const DAY = 86_400_000;
const clocks = new Map<string, Intl.DateTimeFormat>();

function clock(zone: string): Intl.DateTimeFormat {
  const known = clocks.get(zone);
  if (known) return known;
  const made = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
  });
  clocks.set(zone, made);
  return made;
}

/** What the clock on the wall shows at this moment. */
export function wallAt(zone: string, when: Date): Wall {
  const parts = Object.fromEntries(clock(zone).formatToParts(when).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0 } = parts;
  return { year, month, day, hour, minute };
}

const asIfUtc = ({ year, month, day, hour, minute }: Wall): number => Date.UTC(year, month - 1, day, hour, minute);
const offset = (zone: string, at: number): number => asIfUtc(wallAt(zone, new Date(at))) - Math.floor(at / 60_000) * 60_000;

/** The moment at which the clock shows this; the first of two in autumn, the hour after the missing one in spring. */
export function momentOf(zone: string, wall: Wall): Date {
  const plain = asIfUtc(wall);
  const before = plain - offset(zone, plain - DAY);
  const after = plain - offset(zone, plain + DAY);
  const fits = [before, after].filter((at) => asIfUtc(wallAt(zone, new Date(at))) === plain);
  return new Date(fits.length > 0 ? Math.min(...fits) : before);
}

/** The first moment of a month; months beyond December are those of the next year. */
export function monthStart(zone: string, year: number, month: number): Date {
  const first = new Date(Date.UTC(year, month - 1, 1));
  return momentOf(zone, {
    year: first.getUTCFullYear(),
    month: first.getUTCMonth() + 1,
    day: 1,
    hour: 0,
    minute: 0,
  });
}

const two = (value: number): string => String(value).padStart(2, "0");

/** `2026-11-23T14:05`, as the browser's field for date and time wants it. */
export function fieldOf(zone: string, when: Date): string {
  const { year, month, day, hour, minute } = wallAt(zone, when);
  return `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}`;
}

/** The moment written in such a field, or nothing. */
export function momentIn(zone: string, field: string): Date | null {
  const found = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)/.exec(field);
  if (!found) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0] = found.slice(1).map(Number);
  return momentOf(zone, { year, month, day, hour, minute });
}

/** `2026-11`: the month in which this moment lies. */
export function monthName(zone: string, when: Date): string {
  const { year, month } = wallAt(zone, when);
  return `${year}-${two(month)}`;
}

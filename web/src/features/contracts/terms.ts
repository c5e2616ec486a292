/** Pure rules of the screen: days left, what a card says, deadlines in order and on the line. */
import { date } from "@/lib/format";
import { language } from "@/lib/i18n.svelte";

import type { Contract, Deadline, Position, State } from "@/features/contracts/types";
import { kinds, t } from "@/features/contracts/words";

const DAY = 86_400_000;
const URGENT_DAYS = 31;
const NEAR_DAYS = 183;
export const LINE_MONTHS = 24;
export const MOST_LANES = 12;

const at = (iso: string): number => Date.parse(`${iso}T00:00:00Z`);

/** The day where the contracts apply, whatever the reader's clock says. */
export function today(now = new Date()): string {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/Berlin" }).format(now);
}

/** A day that exists, in the time that contracts are about. */
export const isDay = (text: string | null): text is string =>
  text !== null && /^(19[5-9]\d|2[01]\d\d)-\d\d-\d\d$/.test(text) && exists(text);

const exists = (day: string): boolean => {
  const time = at(day);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day);
};

export function daysBetween(from: string, to: string): number {
  return Math.round((at(to) - at(from)) / DAY);
}

export type Left = { days: number; text: string; tone: "" | "warn" | "bad" };

/** How long until a day; nothing for what is over or far away. */
export function left(from: string, to: string, within = NEAR_DAYS): Left | undefined {
  const days = daysBetween(from, to);
  if (days < 0 || days > within) return undefined;
  const text = days === 0 ? t("today") : days === 1 ? t("one_day") : t("days", { count: days });
  return { days, text, tone: days <= URGENT_DAYS ? "bad" : days <= NEAR_DAYS ? "warn" : "" };
}

export function months(count: number): string {
  return count === 1 ? t("one_month") : t("months", { count });
}

const TONES: Record<State, string> = { active: "good", cancelled: "warn", upcoming: "new", ended: "" };

/** When what is cancelled or over ends: as said by the operator, else as the agreed notice gives it. */
const lastDay = (contract: Contract): string | null => contract.ends_on ?? contract.earliest_end_on;

/** The tag of a contract: a cancelled one always names its day. */
export function stateTag(contract: Contract): { text: string; tone: string } {
  const { state, starts_on } = contract;
  const tone = TONES[state] ?? "";
  const end = lastDay(contract);
  if (state === "cancelled" && end) return { text: t("cancelled_for", { date: date(end) }), tone };
  if (state === "ended" && end) return { text: t("ended_on", { date: date(end) }), tone };
  if (state === "upcoming") return { text: t("upcoming_on", { date: date(starts_on) }), tone };
  return { text: t(state), tone };
}

export type Fact = { label: string; value: string; more?: string | undefined; left?: Left | undefined };

/** The four things that a contract is asked for. */
export function factsOf(contract: Contract, day: string): Fact[] {
  const term: Fact = contract.min_term_months
    ? {
        label: t("min_term"),
        value: months(contract.min_term_months),
        more: contract.min_term_ends_on ? t("until", { date: date(contract.min_term_ends_on) }) : undefined,
      }
    : { label: t("min_term"), value: t("no_min_term") };
  return [{ label: t("start"), value: date(contract.starts_on) }, term, ...endFacts(contract, day)];
}

const dateOr = (iso: string | null, otherwise: string): string => (iso ? date(iso) : otherwise);

function endFacts(contract: Contract, day: string): Fact[] {
  const { state, cancelled_on, earliest_end_on, last_notice_day, current_term_ends_on } = contract;
  if (state === "cancelled" || state === "ended") {
    const end = { label: t(state === "ended" ? "ended_at" : "ends_on"), value: dateOr(lastDay(contract), t("unknown")) };
    return cancelled_on ? [{ label: t("cancelled_on"), value: date(cancelled_on) }, end] : [end];
  }
  const term = current_term_ends_on;
  return [
    {
      label: t("earliest_end"),
      value: dateOr(earliest_end_on, t("unknown")),
      more: term ? (term === earliest_end_on ? undefined : t("term_until", { date: date(term) })) : t("runs_on"),
    },
    {
      label: t("last_notice"),
      value: dateOr(last_notice_day, t("any_time")),
      left: last_notice_day ? left(day, last_notice_day) : undefined,
    },
  ];
}

/** A quantity in the reader's format; what is no number stays as it came. */
export function quantity(value: string | number): string {
  const text = String(value).trim();
  if (!/^-?\d+(\.\d+)?$/.test(text)) return text;
  return new Intl.NumberFormat(language.locale, { maximumFractionDigits: 6 }).format(text as Intl.StringNumericLiteral);
}

/** "Fläche: 800 x 1000 mm" of what the contract says of a position, whatever it is called. */
export function characteristics(position: Position): string {
  return Object.entries(position.characteristics)
    .filter(([, value]) => value !== null && value !== "")
    .map(([name, value]) => `${name.replaceAll("_", " ")}: ${plain(value)}`)
    .join(" · ");
}

function plain(value: unknown): string {
  if (typeof value === "boolean") return t(value ? "yes" : "no");
  if (typeof value === "number") return quantity(value);
  if (Array.isArray(value)) return value.map(plain).join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** What is different in one position; what the whole contract says already is not said again. */
export function ownDates(position: Position, contract: Contract): string[] {
  const open = !position.ends_on && contract.state !== "cancelled" && contract.state !== "ended";
  return [...ownTerm(position, contract), ...(open ? ownEnds(position, contract) : [])];
}

function ownTerm(position: Position, contract: Contract): string[] {
  const from = position.starts_on === contract.starts_on ? null : position.starts_on;
  const to = position.ends_on === contract.ends_on ? null : position.ends_on;
  if (from && to) return [t("position_term", { from: date(from), to: date(to) })];
  if (from) return [t("position_from", { date: date(from) })];
  return to ? [t("position_to", { date: date(to) })] : [];
}

function ownEnds(position: Position, contract: Contract): string[] {
  const [end, law] = [position.earliest_end_on, position.statutory?.earliest_end_on];
  const said: string[] = [];
  if (end && end !== contract.earliest_end_on) said.push(t("position_end", { date: date(end) }));
  if (law && law !== contract.statutory?.earliest_end_on) said.push(t("position_law", { date: date(law) }));
  return said;
}

export function kindName(kind: string): string {
  return kinds(kind in kinds.words ? (kind as Parameters<typeof kinds>[0]) : "other");
}

export const byDay = (one: Deadline, other: Deadline): number =>
  one.on.localeCompare(other.on) || one.number.localeCompare(other.number);

export type Month = { month: string; deadlines: Deadline[] };

/** Deadlines from a day on, month by month. */
export function byMonth(deadlines: Deadline[], from: string): Month[] {
  const found: Month[] = [];
  for (const deadline of deadlines.filter(({ on }) => on >= from).sort(byDay)) {
    const month = deadline.on.slice(0, 7);
    const last = found.at(-1);
    if (last?.month === month) last.deadlines.push(deadline);
    else found.push({ month, deadlines: [deadline] });
  }
  return found;
}

export type Mark = { deadline: Deadline; percent: number };
export type Lane = { id: string; number: string; name: string; marks: Mark[] };
export type Line = { lanes: Lane[]; ticks: { day: string; percent: number }[]; hidden: number; later: boolean };

/** The deadlines as lanes, one for each contract, from today over the next months. */
export function lineOf(deadlines: Deadline[], from: string): Line {
  const end = monthsAfter(from, LINE_MONTHS);
  const percent = (day: string): number => (100 * daysBetween(from, day)) / daysBetween(from, end);
  const coming = deadlines.filter(({ on }) => on >= from).sort(byDay);
  const lanes = new Map<string, Lane>();
  for (const deadline of coming.filter(({ on }) => on <= end)) {
    const { contract_id: id, number, name } = deadline;
    const lane = lanes.get(id) ?? { id, number, name, marks: [] };
    lane.marks.push({ deadline, percent: percent(deadline.on) });
    lanes.set(id, lane);
  }
  const first = monthsAfter(`${from.slice(0, 7)}-01`, 1);
  const quarters = Array.from({ length: LINE_MONTHS / 3 }, (_, step) => monthsAfter(first, 3 * step));
  return {
    lanes: [...lanes.values()].slice(0, MOST_LANES),
    ticks: quarters.filter((day) => day < end).map((day) => ({ day, percent: percent(day) })),
    hidden: Math.max(0, lanes.size - MOST_LANES),
    later: coming.some(({ on }) => on > end),
  };
}

function monthsAfter(day: string, count: number): string {
  const [year, month, of] = day.split("-").map(Number) as [number, number, number];
  const last = new Date(Date.UTC(year, month - 1 + count + 1, 0)).getUTCDate();
  return new Date(Date.UTC(year, month - 1 + count, Math.min(of, last))).toISOString().slice(0, 10);
}

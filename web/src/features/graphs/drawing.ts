/** What a picture shows, made of the service's answers; how it is drawn is picture.ts's business. */
import type { Bandwidth, Values, Volume } from "@/features/graphs/metrics";
import type { Stretch } from "@/features/graphs/range";

export type Mark = { kind: "commit" | "percentile"; value: number };
export type Drawing = {
  kind: "rates" | "bars";
  /** Both in seconds. */
  from: number;
  to: number;
  at: number[];
  incoming: Values;
  outgoing: Values;
  /** The highest within each step, where a step holds several measurements. */
  peaks: { incoming: Values; outgoing: Values } | null;
  marks: Mark[];
  gaps: [number, number][];
  /** The highest that the picture shows, a mark included where that does not press the rest flat. */
  top: number;
  zone: string;
};

const SLOT_SECONDS = 300;
const MOST_ABOVE = 3;

const seconds = (iso: string): number => Date.parse(iso) / 1000;

/** Whether each value stands for several measurements, so that it has a peak of its own. */
export const isThinned = ({ step_seconds }: Pick<Bandwidth, "step_seconds">): boolean => step_seconds > SLOT_SECONDS;

/** The highest value, or a mark above it that is near enough; a mark far above is said in words only. */
export function topOf(rows: Values[], marks: Mark[]): number {
  const highest = rows.reduce((most, row) => row.reduce<number>((high, value) => Math.max(high, value ?? 0), most), 0);
  const near = marks.map(({ value }) => value).filter((value) => highest === 0 || value <= highest * MOST_ABOVE);
  return Math.max(highest, ...near, 1);
}

/** Values stand in the middle of the step that they are measured over. */
export function ratesDrawing(data: Bandwidth, zone: string): Drawing {
  const { series, step_seconds: step } = data;
  const marks: Mark[] = [];
  if (data.commit_bps) marks.push({ kind: "commit", value: data.commit_bps });
  if (data.p95 !== null) marks.push({ kind: "percentile", value: data.p95 });
  return {
    kind: "rates",
    from: seconds(data.from),
    to: seconds(data.to),
    at: series.at.map((at) => seconds(at) + step / 2),
    incoming: series.in_avg,
    outgoing: series.out_avg,
    peaks: isThinned(data) ? { incoming: series.in_max, outgoing: series.out_max } : null,
    marks,
    top: topOf([series.in_avg, series.out_avg, series.in_max, series.out_max], marks),
    gaps: data.gaps.map(({ from, to }) => [seconds(from), seconds(to)]),
    zone,
  };
}

/** Bars stand in the middle of their hour, day or month; the outer ones may reach beyond what is asked for. */
export function barsDrawing(data: Volume, shown: Stretch, zone: string): Drawing {
  const starts = data.buckets.map(({ start }) => seconds(start));
  const [from, to] = [shown.from.getTime() / 1000, shown.to.getTime() / 1000];
  const ends = data.buckets.map(({ end }) => seconds(end));
  const [incoming, outgoing] = [data.buckets.map((bucket) => bucket.in), data.buckets.map((bucket) => bucket.out)];
  return {
    kind: "bars",
    from: Math.min(from, starts[0] ?? from),
    to: Math.max(to, ends.at(-1) ?? to),
    at: starts.map((start, index) => (start + (ends[index] ?? start)) / 2),
    incoming,
    outgoing,
    peaks: null,
    marks: [],
    top: topOf([incoming, outgoing], []),
    gaps: [],
    zone,
  };
}

export const hasValues = (...rows: Values[]): boolean => rows.some((row) => row.some((value) => value !== null));

/** The metrics service as this page uses it. */
import { BASE, request } from "@/lib/api";
import { problemOf } from "@/lib/problem";

import { stamp, type Bucket, type Stretch } from "@/features/graphs/range";

export type Method = "max_of_directions" | "max_per_sample" | "sum";
export type Line = {
  id: string;
  name: string;
  site: string;
  circuit: string | null;
  interface: string | null;
  capacity_bps: number;
  commit_bps: number | null;
  group_id: string | null;
  contract_number: string | null;
  position_number: string | null;
  last_sample_at: string | null;
};
export type Group = {
  id: string;
  name: string;
  line_ids: string[];
  commit_bps: number | null;
  capacity_bps: number;
  last_sample_at: string | null;
};
export type Values = (number | null)[];
export type Direction = { avg: number | null; max: number | null; p95: number | null };
export type Bandwidth = {
  from: string;
  to: string;
  time_zone: string;
  step_seconds: number;
  series: { at: string[]; in_avg: Values; in_max: Values; out_avg: Values; out_max: Values };
  summary: { in: Direction; out: Direction };
  p95: number | null;
  p95_of_seconds: number;
  commit_bps: number | null;
  samples: number;
  expected_samples: number;
  gaps: { from: string; to: string }[];
};
export type Volume = {
  time_zone: string;
  buckets: { start: string; end: string; in: number | null; out: number | null }[];
  total: { in: number; out: number };
};
export type EdgeRow = { rank: number; at: string; bps: number; discarded: boolean };
export type Sorted = { of: "in" | "out" | "larger" | "sum"; value: number | null; edge: EdgeRow[] };
export type Percentile = {
  month: string;
  time_zone: string;
  method: Method;
  samples: number;
  expected_samples: number;
  elapsed_samples: number;
  missing: number;
  partial: number;
  missing_share: number;
  complete: boolean;
  discarded: number;
  value: number | null;
  sorted: Sorted[];
  commit_bps: number | null;
  slots_allowed: number;
  slots_over_commit: number | null;
  slots_left: number | null;
};
export type Threshold = {
  kind: "rate" | "volume";
  direction: "in" | "out" | "any" | "sum";
  limit: number;
  minutes: number;
};
export type Thresholds = { version: number; thresholds: (Threshold & { id: string })[] };

/** One line, or the lines that are billed together. */
export type Source = { kind: "lines" | "groups"; id: string };

const pathOf = ({ kind, id }: Source): string => `/metrics/${kind}/${encodeURIComponent(id)}`;

/** The address of something to keep: CSV or SVG of what is seen. */
export function fileAddress(source: Source, name: string, shown: Stretch, more: Record<string, string> = {}): string {
  const query = new URLSearchParams({ from: stamp(shown.from), to: stamp(shown.to), ...more });
  return `${BASE}${pathOf(source)}/${name}?${query.toString()}`;
}

async function call<Data>(path: string, init: RequestInit = {}): Promise<Data> {
  const response = await request(new Request(`${BASE}${path}`, init));
  const body: unknown = await response.json().catch(() => ({}));
  if (!response.ok) throw problemOf(body, response);
  return body as Data;
}

/** All lines: they are chosen from one list. */
export async function lines(): Promise<Line[]> {
  const all: Line[] = [];
  let cursor = "";
  do {
    const page = await call<{ items: Line[]; next_cursor: string | null }>(`/metrics/lines?limit=200${cursor}`);
    all.push(...page.items);
    cursor = page.next_cursor ? `&cursor=${encodeURIComponent(page.next_cursor)}` : "";
  } while (cursor);
  return all;
}

export const groups = (): Promise<{ items: Group[] }> => call("/metrics/groups");

export function bandwidth(source: Source, shown: Stretch, points: number): Promise<Bandwidth> {
  return call(fileAddress(source, "bandwidth", shown, { points: String(points) }).slice(BASE.length));
}

export function volume(source: Source, shown: Stretch, bucket: Bucket): Promise<Volume> {
  return call(fileAddress(source, "volume", shown, { bucket }).slice(BASE.length));
}

export function percentile(source: Source, month: string): Promise<Percentile> {
  return call(`${pathOf(source)}/percentile?month=${month}`);
}

const thresholdsOf = (line: string): string => `${pathOf({ kind: "lines", id: line })}/thresholds`;

export const thresholds = (line: string): Promise<Thresholds> => call(thresholdsOf(line));

/** All limits anew; refused when somebody else changed them in the meantime. */
export function setThresholds(line: string, version: number, all: Threshold[]): Promise<Thresholds> {
  return call(thresholdsOf(line), {
    method: "PUT",
    headers: { "Content-Type": "application/json", "If-Match": `"${version}"` },
    body: JSON.stringify({ thresholds: all }),
  });
}

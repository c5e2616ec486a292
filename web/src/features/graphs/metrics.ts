/** The metrics service as this page uses it. */
import { BASE, request } from "@/lib/api";
import { problemOf } from "@/lib/problem";

import { stamp, type Bucket, type Stretch } from "@/features/graphs/range";

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
export type Group = { id: string; name: string; line_ids: string[]; commit_bps: number | null; capacity_bps: number };
export type Values = (number | null)[];
export type Direction = { avg: number | null; max: number | null; p95: number | null };
export type Bandwidth = {
  from: string;
  to: string;
  step_seconds: number;
  unit: string;
  series: { at: string[]; in_avg: Values; in_max: Values; out_avg: Values; out_max: Values };
  summary: { in: Direction; out: Direction };
  p95: number | null;
  commit_bps: number | null;
  samples: number;
  expected_samples: number;
  gaps: { from: string; to: string }[];
};
export type Volume = {
  unit: string;
  buckets: { start: string; in: number | null; out: number | null }[];
  total: { in: number; out: number };
};

/** One line, or the lines that are billed together. */
export type Source = { kind: "lines" | "groups"; id: string };

const pathOf = ({ kind, id }: Source): string => `/metrics/${kind}/${encodeURIComponent(id)}`;

/** The address of something to keep: CSV or SVG of what is seen. */
export function fileAddress(source: Source, name: string, shown: Stretch, more: Record<string, string> = {}): string {
  const query = new URLSearchParams({ from: stamp(shown.from), to: stamp(shown.to), ...more });
  return `${BASE}${pathOf(source)}/${name}?${query.toString()}`;
}

async function get<Data>(path: string): Promise<Data> {
  const response = await request(new Request(`${BASE}${path}`));
  const body: unknown = await response.json().catch(() => ({}));
  if (!response.ok) throw problemOf(body, response);
  return body as Data;
}

export const lines = (): Promise<{ items: Line[] }> => get("/metrics/lines?limit=200");
export const groups = (): Promise<{ items: Group[] }> => get("/metrics/groups");

export function bandwidth(source: Source, shown: Stretch, points: number): Promise<Bandwidth> {
  return get(fileAddress(source, "bandwidth", shown, { points: String(points) }).slice(BASE.length));
}

export function volume(source: Source, shown: Stretch, bucket: Bucket): Promise<Volume> {
  return get(fileAddress(source, "volume", shown, { bucket }).slice(BASE.length));
}

/** The metrics service as this page uses it. */
import { BASE, request, type Reply } from "@/lib/api";
import { problemOf } from "@/lib/problem";

import { stamp, type Bucket, type Stretch } from "@/features/graphs/range";

export type Line = Reply<"/metrics/lines">["items"][number];
export type Group = Reply<"/metrics/groups">["items"][number];
export type Bandwidth = Reply<"/metrics/lines/{line_id}/bandwidth">;
export type Values = Bandwidth["series"]["in_avg"];
export type Volume = Reply<"/metrics/lines/{line_id}/volume">;
export type Percentile = Reply<"/metrics/lines/{line_id}/percentile">;
export type Sorted = Percentile["sorted"][number];
export type Thresholds = Reply<"/metrics/lines/{line_id}/thresholds">;
export type Threshold = Omit<Thresholds["thresholds"][number], "id">;

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

/** What the start page is made of. Pure. */
import type { Reply } from "@/lib/api";

export type Dashboard = Reply<"/dashboard">;
type Missing = Extract<NonNullable<Dashboard["weather"]>, { unavailable: string }>;
type Here<Part> = Exclude<NonNullable<Part>, Missing>;

export type Document = Here<Dashboard["documents"]>[number];
export type Line = Here<Dashboard["lines"]>[number];
export type Weather = Here<Dashboard["weather"]>;

/** The parts that can be missing, as the reader knows them. */
export const NAMED = ["documents", "lines", "deadlines", "contacts_to_confirm", "users_waiting"] as const;
export type PartName = (typeof NAMED)[number];

const isMissing = (part: unknown): part is Missing =>
  typeof part === "object" && part !== null && "unavailable" in part;

/** A part that is there; nothing for one that is missing or not for this reader. */
export function here<Part>(part: Part): Here<Part> | undefined {
  return part === undefined || isMissing(part) ? undefined : (part as Here<Part>);
}

/** What this portal has but cannot show now. A service that is not installed is nobody's loss. */
export function missing(dashboard: Dashboard): PartName[] {
  return NAMED.filter((name) => {
    const part = dashboard[name];
    return isMissing(part) && part.unavailable !== "not_installed";
  });
}

/** From today until then, in whole days; both are plain dates. */
export function daysUntil(today: string, day: string): number {
  return Math.round((Date.parse(`${day.slice(0, 10)}T00:00:00Z`) - Date.parse(`${today}T00:00:00Z`)) / 86_400_000);
}

/** How much of what was agreed goes through now, 0 to 1; without an agreement of what is possible. */
export function share(line: Line): number {
  const now = Math.max(line.in_bps ?? 0, line.out_bps ?? 0);
  const of = line.commit_bps ?? line.capacity_bps;
  return of > 0 ? Math.min(now / of, 1) : 0;
}

/** How pressing something is that ends in so many days. */
export function pressing(days: number): "bad" | "warn" | "" {
  if (days <= 14) return "bad";
  return days <= 92 ? "warn" : "";
}

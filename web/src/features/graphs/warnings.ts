/** Own limits: between what people type and what the service keeps. */
import { b } from "@/features/graphs/billing-words";
import { rate, volume } from "@/features/graphs/figures";
import type { Threshold } from "@/features/graphs/metrics";

/** People type Mbit/s and GB. */
const UNIT = { rate: 1_000_000, volume: 1_000_000_000 } as const;
const MOST = 2 ** 53 - 1;

/** Whole bits per second or bytes; null for what is no number above zero. */
export function limitOf(kind: Threshold["kind"], typed: string): number | null {
  const plain = typed.trim().replace(",", ".");
  if (!/^\d{1,12}(\.\d{1,9})?$/.test(plain)) return null;
  const value = Math.round(Number(plain) * UNIT[kind]);
  return value > 0 && value <= MOST ? value : null;
}

export function warningText({ kind, direction, limit, minutes = 5 }: Threshold): string {
  const who = b(`direction_${direction}`);
  return kind === "rate"
    ? b("rate_above", { direction: who, minutes, limit: rate(limit) })
    : b("volume_above", { direction: who, limit: volume(limit) });
}

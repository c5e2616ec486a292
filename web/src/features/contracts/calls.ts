/** What this app asks the portal. */
import { BASE, request } from "@/lib/api";
import { problemOf } from "@/lib/problem";
import { withQuery } from "@/lib/router.svelte";

import type { Contract, ContractPage, Deadline } from "@/features/contracts/types";

export type Question = { state?: string | null; q?: string; as_of?: string | null; cursor?: string; limit?: number };
export type Feed = { created_at: string | null; last_used_at: string | null };
export type Calendar = { items: Deadline[]; feed: Feed | null };

async function ask<Data>(path: string, query: Record<string, string | number | null> = {}, method = "GET"): Promise<Data> {
  const response = await request(new Request(BASE + path + withQuery("", query), { method }));
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw problemOf(body, response);
  return body as Data;
}

export function listContracts({ state = null, q = "", as_of = null, cursor, limit = 50 }: Question): Promise<ContractPage> {
  return ask("/contracts", { state, q, as_of, cursor: cursor ?? null, limit });
}

export function oneContract(id: string, as_of: string | null): Promise<Contract> {
  return ask(`/contracts/${encodeURIComponent(id)}`, { as_of });
}

export function calendar(): Promise<Calendar> {
  return ask("/contracts/calendar");
}

/** A new secret address; the one before stops working. */
export function renewFeed(): Promise<{ url: string }> {
  return ask("/contracts/calendar/token", {}, "POST");
}

export type Line = { id: string; contract_number: string | null; position_number: string | null };

/** Which position has which line, so that it can lead to its graph. */
export async function linesByPosition(): Promise<Map<string, string>> {
  const { items } = await ask<{ items: Line[] }>("/metrics/lines", { limit: 200 });
  return new Map(
    items.flatMap(({ id, contract_number, position_number }) =>
      contract_number ? [[lineKey(contract_number, position_number ?? ""), id]] : [],
    ),
  );
}

export const lineKey = (contract: string, position: string | number): string => JSON.stringify([contract, String(position)]);

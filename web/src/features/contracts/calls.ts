/** What this app asks the portal. */
import { BASE, request } from "@/lib/api";
import { problemOf } from "@/lib/problem";
import { withQuery } from "@/lib/router.svelte";

import type { Contract, ContractPage, Deadline, DeadlinePage } from "@/features/contracts/types";

export type Question = { state?: string | null; q?: string; as_of?: string | null; cursor?: string; limit?: number };
export type Feed = { created_at: string | null; last_read_at: string | null };
export type Address = { url: string; webcal_url: string; created_at: string };

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

/** All of them: a screen that left one out would be worse than none. */
export async function listDeadlines(): Promise<Deadline[]> {
  const found: Deadline[] = [];
  let cursor: string | null = null;
  do {
    const page: DeadlinePage = await ask("/contracts/calendar", { limit: 200, cursor });
    found.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return found;
}

export const feedState = (): Promise<Feed> => ask("/contracts/calendar/token");
/** A new secret address; the one before stops working. */
export const renewFeed = (): Promise<Address> => ask("/contracts/calendar/token", {}, "POST");
export const withdrawFeed = (): Promise<unknown> => ask("/contracts/calendar/token", {}, "DELETE");

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

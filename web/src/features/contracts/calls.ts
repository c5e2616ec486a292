/** What this app asks the portal. */
import { answer, api, BASE, request } from "@/lib/api";
import { problemOf } from "@/lib/problem";
import { withQuery } from "@/lib/router.svelte";

import type { Address, Contract, ContractPage, Deadline, Feed, State } from "@/features/contracts/types";

export type Question = { state: State | null; q: string; as_of: string | null; cursor?: string; limit?: number };

export function listContracts({ state, q, as_of, cursor, limit = 50 }: Question): Promise<ContractPage> {
  const query = {
    ...(state ? { state } : {}),
    ...(q ? { q } : {}),
    ...(as_of ? { as_of } : {}),
    ...(cursor ? { cursor } : {}),
    limit,
  };
  return answer(api.GET("/contracts", { params: { query } }));
}

export function oneContract(id: string, as_of: string | null): Promise<Contract> {
  const params = { path: { contract_id: id }, query: as_of ? { as_of } : {} };
  return answer(api.GET("/contracts/{contract_id}", { params }));
}

type Page<Item> = { items: Item[]; next_cursor: string | null };

/** Every page: a screen that left something out without a word would be worse than none. */
async function all<Item>(page: (query: { limit: number; cursor?: string }) => Promise<Page<Item>>): Promise<Item[]> {
  let last = await page({ limit: 200 });
  const found = [...last.items];
  while (last.next_cursor) {
    last = await page({ limit: 200, cursor: last.next_cursor });
    found.push(...last.items);
  }
  return found;
}

export const listDeadlines = (): Promise<Deadline[]> =>
  all((query) => answer(api.GET("/contracts/calendar", { params: { query } })));

export const feedState = (): Promise<Feed> => answer(api.GET("/contracts/calendar/token"));
/** A new secret address; the one before stops working. */
export const renewFeed = (): Promise<Address> => answer(api.POST("/contracts/calendar/token"));
export const withdrawFeed = (): Promise<unknown> => answer(api.DELETE("/contracts/calendar/token"));

export const lineKey = (contract: string, position: string): string => JSON.stringify([contract, position]);

export type Line = { id: string; contract_number: string | null; position_number: string | null };

/** Which position has which line, so that it can lead to its graph. */
export async function linesByPosition(): Promise<Map<string, string>> {
  const lines = await all(linePage);
  return new Map(
    lines.flatMap(({ id, contract_number, position_number }) =>
      contract_number ? [[lineKey(contract_number, position_number ?? ""), id]] : [],
    ),
  );
}

async function linePage({ limit, cursor }: { limit: number; cursor?: string }): Promise<Page<Line>> {
  const path = `${BASE}/metrics/lines${withQuery("", { limit, cursor: cursor ?? null })}`;
  const response = await request(new Request(path));
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw problemOf(body, response);
  return body as Page<Line>;
}

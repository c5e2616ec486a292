/** What this app asks the portal. */
import { BASE, request } from "@/lib/api";
import { problemOf } from "@/lib/problem";
import { withQuery } from "@/lib/router.svelte";

import type {
  ApprovalPage,
  ConflictPage,
  Contact,
  ContactPage,
  Details,
  Side,
} from "@/features/contacts/types";

type Send = { method?: string; body?: unknown; version?: number; key?: string; query?: Record<string, string | number | null> };

async function ask<Data>(path: string, { method = "GET", body, version, key, query = {} }: Send = {}): Promise<Data> {
  const headers = new Headers();
  if (body !== undefined) headers.set("Content-Type", "application/json");
  if (version !== undefined) headers.set("If-Match", `"${version}"`);
  if (key !== undefined) headers.set("Idempotency-Key", key);
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const response = await request(new Request(BASE + path + withQuery("", query), init));
  const said: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw problemOf(said, response);
  return said as Data;
}

const one = (id: string): string => `/contacts/${encodeURIComponent(id)}`;

/** All of one side: they are few, but more than a page is possible. */
export async function listContacts(side: Side): Promise<Contact[]> {
  const found: Contact[] = [];
  let cursor: string | null = null;
  do {
    const page: ContactPage = await ask("/contacts", { query: { side, limit: 200, cursor } });
    found.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return found;
}

export const oneContact = (id: string): Promise<Contact> => ask(one(id));
export const create = (body: Details & { side: Side; everybody?: boolean }, key: string): Promise<Contact> => ask("/contacts", { method: "POST", body, key });
export const change = (id: string, version: number, body: Partial<Details>): Promise<Contact> =>
  ask(one(id), { method: "PATCH", body, version });
export const remove = (id: string, version: number): Promise<Contact | undefined> =>
  ask(one(id), { method: "DELETE", version });
/** Only what the reader has seen is confirmed. */
export const confirm = (id: string, version: number): Promise<Contact> =>
  ask(`${one(id)}/confirmation`, { method: "POST", version });

export const vcardOf = (id: string): string => `${BASE}${one(id)}.vcf`;
export const ALL_VCARDS = `${BASE}/contacts.vcf`;
export const ALL_CSV = `${BASE}/contacts.csv`;

export const listApprovals = (): Promise<ApprovalPage> => ask("/contacts/approvals", { query: { limit: 200 } });
export const decide = (id: string, approve: boolean, reason?: string): Promise<unknown> =>
  ask(`/contacts/approvals/${encodeURIComponent(id)}`, { method: "POST", body: { approve, ...(reason ? { reason } : {}) } });

export const listConflicts = (): Promise<ConflictPage> => ask("/contacts/operator/conflicts", { query: { limit: 200 } });
/** retry: the CRM's word counts after all; drop: the portal's stays. */
export const settle = (id: string, verb: "retry" | "drop"): Promise<unknown> =>
  ask(`/contacts/operator/conflicts/${encodeURIComponent(id)}/${verb}`, { method: "POST" });

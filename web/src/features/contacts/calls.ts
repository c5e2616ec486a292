/** What this app asks the portal. */
import { answer, api, BASE } from "@/lib/api";

import type { Approval, Conflict, Contact, Details, Side } from "@/features/contacts/types";

type Page<Item> = { items: Item[]; next_cursor: string | null };

/** Every page: a gap must be one, not somebody who stands on the next page. */
async function all<Item>(page: (query: { limit: number; cursor?: string }) => Promise<Page<Item>>): Promise<Item[]> {
  let last = await page({ limit: 200 });
  const found = [...last.items];
  while (last.next_cursor) {
    last = await page({ limit: 200, cursor: last.next_cursor });
    found.push(...last.items);
  }
  return found;
}

const one = (id: string) => ({ path: { contact_id: id } });
const seen = (id: string, version: number) => ({ ...one(id), header: { "if-match": `"${version}"` } });

export const listContacts = (side: Side): Promise<Contact[]> =>
  all((query) => answer(api.GET("/contacts", { params: { query: { ...query, side } } })));

export const oneContact = (id: string): Promise<Contact> =>
  answer(api.GET("/contacts/{contact_id}", { params: one(id) }));

export const create = (body: Details & { side: Side; everybody?: boolean }, key: string): Promise<Contact> =>
  answer(api.POST("/contacts", { params: { header: { "idempotency-key": key } }, body }));

export const change = (id: string, version: number, body: Partial<Details>): Promise<Contact> =>
  answer(api.PATCH("/contacts/{contact_id}", { params: seen(id, version), body }));

/** The contact, while its removal waits; else nothing. */
export const remove = (id: string, version: number): Promise<Contact | undefined> =>
  answer(api.DELETE("/contacts/{contact_id}", { params: seen(id, version) }));

/** Only what the reader has seen is confirmed. */
export const confirm = (id: string, version: number): Promise<Contact> =>
  answer(api.POST("/contacts/{contact_id}/confirmation", { params: seen(id, version) }));

export const vcardOf = (id: string): string => `${BASE}/contacts/${encodeURIComponent(id)}.vcf`;
export const ALL_VCARDS = `${BASE}/contacts.vcf`;
export const ALL_CSV = `${BASE}/contacts.csv`;

export const listApprovals = (): Promise<Approval[]> =>
  all((query) => answer(api.GET("/contacts/approvals", { params: { query } })));

export const decide = (id: string, approve: boolean, reason?: string): Promise<Approval> => {
  const body = { approve, ...(reason ? { reason } : {}) };
  return answer(api.POST("/contacts/approvals/{approval_id}", { params: { path: { approval_id: id } }, body }));
};

export const listConflicts = (): Promise<Conflict[]> =>
  all((query) => answer(api.GET("/contacts/operator/conflicts", { params: { query } })));

/** retry: the CRM's word counts after all; drop: the portal's stays. */
export const settle = (id: string, verb: "retry" | "drop"): Promise<unknown> =>
  answer(api.POST(`/contacts/operator/conflicts/{record_id}/${verb}`, { params: { path: { record_id: id } } }));

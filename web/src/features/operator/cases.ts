/** What the feed sent and could not be filed: four lists with the same two ways out. */
import { answer, api, type Reply } from "@/lib/api";

export const LISTS = ["parked", "conflicts", "refused", "dead-letters"] as const;
export type List = (typeof LISTS)[number];
type Letter = Reply<"/documents/operator/dead-letters">["items"][number];

export type Case = {
  id: string;
  name: string;
  subject: string;
  source: string;
  customer_number: string | null;
  reason: string;
  detail: string;
  received_at: string;
};
export type CasePage = { items: Case[]; next_cursor: string | null };

export async function listCases(list: List, cursor?: string): Promise<CasePage> {
  const params = { query: { limit: 50, ...(cursor ? { cursor } : {}) } };
  if (list === "dead-letters") {
    const page = await answer(api.GET("/documents/operator/dead-letters", { params }));
    return { items: page.items.map(ofLetter), next_cursor: page.next_cursor };
  }
  const page = await answer(api.GET(`/documents/operator/${list}`, { params }));
  const items = page.items.map((record) => ({
    ...record,
    name: record.number || record.event_id,
    detail: record.detail ?? "",
  }));
  return { items, next_cursor: page.next_cursor };
}

const ofLetter = (letter: Letter): Case => ({
  ...letter,
  id: String(letter.id),
  name: String(letter.id),
  source: "",
  customer_number: null,
});

export async function decide(list: List, id: string, verb: "retry" | "drop"): Promise<void> {
  if (list === "dead-letters") {
    const params = { path: { letter_id: Number(id) } };
    await answer(api.POST(`/documents/operator/dead-letters/{letter_id}/${verb}`, { params }));
  } else {
    const params = { path: { record_id: id } };
    await answer(api.POST(`/documents/operator/${list}/{record_id}/${verb}`, { params }));
  }
}

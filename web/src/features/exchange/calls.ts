/** What this app asks the portal. */
import { answer, api, BASE } from "@/lib/api";

import type { Sort } from "@/features/exchange/entries";
import type { Entry, Listing, Usage, Version } from "@/features/exchange/types";

const PAGE = 100;
const MOST = 200;

const one = (id: string) => ({ path: { entry_id: id } });
const seen = ({ id, version }: Entry) => ({ ...one(id), header: { "if-match": `"${version}"` } });

export const listEntries = (parent: string, sort: Sort, cursor?: string, limit = PAGE): Promise<Listing> =>
  answer(api.GET("/exchange/entries", { params: { query: { parent, sort, limit, ...(cursor ? { cursor } : {}) } } }));

/** At least as many as were shown before, so that nothing goes away when the list is loaded anew. */
export async function listAgain(parent: string, sort: Sort, shown: number): Promise<Listing> {
  let page = await listEntries(parent, sort, undefined, Math.min(MOST, Math.max(PAGE, shown)));
  const items = [...page.items];
  while (page.next_cursor && items.length < shown) {
    page = await listEntries(parent, sort, page.next_cursor, MOST);
    items.push(...page.items);
  }
  return { ...page, items };
}

export const oneEntry = (id: string): Promise<Entry> => answer(api.GET("/exchange/entries/{entry_id}", { params: one(id) }));

/** Folders come first: the first file ends them. */
export async function foldersIn(parent: string): Promise<Entry[]> {
  const found: Entry[] = [];
  let cursor: string | undefined;
  do {
    const page = await listEntries(parent, "name", cursor, MOST);
    const folders = page.items.filter(({ kind }) => kind === "folder");
    found.push(...folders);
    cursor = folders.length === page.items.length ? (page.next_cursor ?? undefined) : undefined;
  } while (cursor);
  return found;
}

const alike = (name: string): string => name.normalize("NFC").toLowerCase();

export async function findFolder(parent: string, name: string): Promise<Entry | undefined> {
  return (await foldersIn(parent)).find((folder) => alike(folder.name) === alike(name));
}

export const makeFolder = (parent: string, name: string): Promise<Entry> =>
  answer(api.POST("/exchange/folders", { body: { parent, name } }));

export const change = (entry: Entry, changes: { name?: string; parent?: string }): Promise<Entry> =>
  answer(api.PATCH("/exchange/entries/{entry_id}", { params: seen(entry), body: changes }));

let removing: Promise<unknown> = Promise.resolve();

export function remove(entry: Entry): Promise<unknown> {
  const removed = answer(api.DELETE("/exchange/entries/{entry_id}", { params: seen(entry) }));
  removing = removed.catch(() => undefined);
  return removed;
}

export const restore = (id: string): Promise<Entry> =>
  answer(api.POST("/exchange/entries/{entry_id}/restore", { params: one(id) }));

/** With what is just being thrown away: who is quick with the link must not find the trash without it. */
export async function listTrash(cursor?: string): Promise<{ items: Entry[]; next_cursor: string | null }> {
  await removing;
  return answer(api.GET("/exchange/trash", { params: { query: { limit: PAGE, ...(cursor ? { cursor } : {}) } } }));
}

export const listVersions = (id: string): Promise<Version[]> =>
  answer(api.GET("/exchange/files/{file_id}/versions", { params: { path: { file_id: id } } }));

export const readUsage = (): Promise<Usage> => answer(api.GET("/exchange/usage"));

const contentOf = (id: string): string => `${BASE}/exchange/files/${encodeURIComponent(id)}/content`;

export const viewOf = contentOf;
export const downloadOf = (id: string): string => `${contentOf(id)}?download=true`;
export const versionOf = (id: string, number: number): string => `${downloadOf(id)}&version=${number}`;
export const archiveOf = (id: string): string => `${BASE}/exchange/folders/${encodeURIComponent(id)}/archive`;
/** The reader knows that it could not be checked for viruses. */
export const acknowledged = (url: string): string => `${url}&acknowledge=unscannable`;

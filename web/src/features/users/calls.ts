/** What the user administration asks the portal. */
import { answer, api, type Reply } from "@/lib/api";

import type { Details, UserPage, UserRow } from "@/features/users/rows";

const one = (id: string) => ({ path: { membership_id: id } });
const seen = (user: UserRow) => ({ ...one(user.id), header: { "if-match": `"${user.version}"` } });

export type Changes = Partial<Omit<Details, "role"> & { role: "admin" | "member"; active: boolean }>;

export const listUsers = (cursor?: string | null): Promise<UserPage> =>
  answer(api.GET("/users", { params: { query: { limit: 50, ...(cursor ? { cursor } : {}) } } }));

/** Every page: who may see what is only told by the whole list. */
export async function allUsers(): Promise<UserRow[]> {
  const found: UserRow[] = [];
  let cursor: string | null | undefined;
  do {
    const query = { limit: 200, ...(cursor ? { cursor } : {}) };
    const page = await answer(api.GET("/users", { params: { query } }));
    found.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return found;
}

export const oneUser = (id: string): Promise<UserRow> =>
  answer(api.GET("/users/{membership_id}", { params: one(id) }));

export const invite = (id: string): Promise<UserRow> =>
  answer(api.POST("/users/{membership_id}/invitation", { params: one(id) }));

export const change = (user: UserRow, body: Changes): Promise<UserRow> =>
  answer(api.PATCH("/users/{membership_id}", { params: seen(user), body }));

export const remove = (user: UserRow): Promise<unknown> =>
  answer(api.DELETE("/users/{membership_id}", { params: seen(user) }));

export const resetSecondFactor = (id: string, reason: string): Promise<UserRow> =>
  answer(api.POST("/users/{membership_id}/second-factor-reset", { params: one(id), body: { reason } }));

/** What became, or would become, of each line of a file. */
export type ImportReport = Reply<"/users/import", "post">;

/** The file's bytes go as they are: the portal knows the encodings that spreadsheets write. */
export const importUsers = (file: Blob, dryRun: boolean): Promise<ImportReport> =>
  answer(
    api.POST("/users/import", {
      params: { query: { dry_run: dryRun } },
      body: file as unknown as string,
      bodySerializer: () => file,
      headers: { "Content-Type": "text/csv" },
    }),
  );

export type Matrix = Reply<"/users/access-matrix">;

export const readMatrix = (): Promise<Matrix> => answer(api.GET("/users/access-matrix"));

export const noteReview = (): Promise<NonNullable<Matrix["last_review"]>> => answer(api.POST("/users/review"));

/** Said before anybody types. */
export const readRules = (): Promise<Reply<"/users/rules">> => answer(api.GET("/users/rules"));

export type AuditPage = Reply<"/users/audit">;
export type AuditEntry = AuditPage["items"][number];

export const listAudit = (cursor?: string | null): Promise<AuditPage> =>
  answer(api.GET("/users/audit", { params: { query: { limit: 50, ...(cursor ? { cursor } : {}) } } }));

/** What the pages about one's own security ask the portal. */
import { answer, api } from "@/lib/api";

export type SessionRow = {
  id: string;
  device: string;
  address: string;
  created_at: string;
  last_seen_at: string;
  current: boolean;
};
export type SignIn = {
  id: string;
  occurred_at: string;
  result: string;
  factor: string | null;
  device: string;
  address: string;
};
export type ApiToken = {
  id: string;
  kind: string;
  name: string;
  scopes: string[];
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
};
export type FreshToken = ApiToken & { token: string };
export type Page<Item> = { items: Item[]; next_cursor: string | null };

type Later = <Data>(path: string, init?: unknown) => Promise<{ data?: Data; error?: unknown; response: Response }>;
const get = api.GET as unknown as Later;
const post = api.POST as unknown as Later;
const put = api.PUT as unknown as Later;
const del = api.DELETE as unknown as Later;

export const setPassword = (current_password: string, password: string): Promise<unknown> =>
  answer(put("/auth/password", { body: { current_password, password } }));

export const askForEmail = (email: string): Promise<unknown> => answer(post("/auth/email", { body: { email } }));

export const confirmEmail = (token: string): Promise<unknown> =>
  answer(post("/auth/email/confirm", { body: { token } }));

export const newRecoveryCodes = (): Promise<{ recovery_codes: string[] }> =>
  answer(post("/auth/recovery-codes", {}));

export const listSessions = (): Promise<Page<SessionRow>> => answer(get("/auth/sessions"));

export const endSession = (id: string): Promise<unknown> =>
  answer(del("/auth/sessions/{session_id}", { params: { path: { session_id: id } } }));

export const listSignIns = (cursor?: string | null): Promise<Page<SignIn>> =>
  answer(get("/auth/sign-ins", { params: { query: { limit: 20, ...(cursor ? { cursor } : {}) } } }));

export const listTokens = (): Promise<Page<ApiToken>> => answer(get("/auth/api-tokens"));

export const makeToken = (body: { name: string; scopes: string[]; expires_at: string }): Promise<FreshToken> =>
  answer(post("/auth/api-tokens", { body }));

export const deleteToken = (id: string): Promise<unknown> =>
  answer(del("/auth/api-tokens/{token_id}", { params: { path: { token_id: id } } }));

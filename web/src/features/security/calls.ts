/** What the pages about one's own security ask the portal. */
import { answer, api, type Reply } from "@/lib/api";

export type SessionPage = Reply<"/auth/sessions">;
export type SessionRow = SessionPage["items"][number];
export type SignInPage = Reply<"/auth/sign-ins">;
export type TokenPage = Reply<"/auth/api-tokens">;
export type ApiToken = TokenPage["items"][number];
export type FreshToken = Reply<"/auth/api-tokens", "post">;
export type Scope = "invoices:read" | "billing:publish" | "network:publish";

export const setPassword = (current_password: string, password: string): Promise<unknown> =>
  answer(api.PUT("/auth/password", { body: { current_password, password } }));

export const askForEmail = (email: string): Promise<unknown> => answer(api.POST("/auth/email", { body: { email } }));

export const confirmEmail = (token: string): Promise<unknown> =>
  answer(api.POST("/auth/email/confirm", { body: { token } }));

export const newRecoveryCodes = (): Promise<Reply<"/auth/recovery-codes", "post">> =>
  answer(api.POST("/auth/recovery-codes"));

export const listSessions = (): Promise<SessionPage> => answer(api.GET("/auth/sessions"));

export const endSession = (id: string): Promise<unknown> =>
  answer(api.DELETE("/auth/sessions/{session_id}", { params: { path: { session_id: id } } }));

export const listSignIns = (cursor?: string | null): Promise<SignInPage> =>
  answer(api.GET("/auth/sign-ins", { params: { query: { limit: 20, ...(cursor ? { cursor } : {}) } } }));

export const listTokens = (): Promise<TokenPage> => answer(api.GET("/auth/api-tokens"));

/** The scopes are those that were offered. */
export const makeToken = (body: { name: string; scopes: string[]; expires_at: string }): Promise<FreshToken> =>
  answer(api.POST("/auth/api-tokens", { body: { ...body, scopes: body.scopes as Scope[] } }));

export const deleteToken = (id: string): Promise<unknown> =>
  answer(api.DELETE("/auth/api-tokens/{token_id}", { params: { path: { token_id: id } } }));

/** The portal's interface, typed from its OpenAPI document. Every answer is data or a thrown Problem. */
import type { paths as whole } from "@/api.gen";
import { clientOf } from "@/lib/client";
import { language } from "@/lib/i18n.svelte";
import { Problem, problemOf } from "@/lib/problem";

export const BASE = "/api/v1";

/** The document names whole addresses; here they are said without what all have in front. */
type paths = { [Path in keyof whole as Path extends `${typeof BASE}${infer Rest}` ? Rest : never]: whole[Path] };

/** What the app does when the portal says so; set once at the start. */
export const hooks = {
  /** 401: nobody is signed in (any more). */
  signedOut: (): void => undefined,
  /** 403 step_up_required: ask for a fresh code; true when it was given. */
  stepUp: async (): Promise<boolean> => false,
  /** An answer for a signed-in person: the session's idle time starts anew. */
  alive: (): void => undefined,
};

/** A wrong code or password is a 401 too, but nobody's session ended by it. */
const ENDED = new Set([undefined, "not_signed_in", "second_factor_required"]);

/** fetch with the reader's language, the fresh code where one is wanted, and the way back to the sign-in page. */
export async function request(input: Request): Promise<Response> {
  input.headers.set("Accept-Language", language.current);
  const again = input.clone();
  let response = await reach(input);
  const code = response.ok ? undefined : await codeOf(response);
  if (code === "step_up_required" && (await hooks.stepUp())) response = await reach(again);
  if (response.status === 401 && ENDED.has(code)) hooks.signedOut();
  if (response.ok) hooks.alive();
  return response;
}

async function reach(input: Request): Promise<Response> {
  try {
    return await fetch(input);
  } catch (thrown) {
    if (input.signal.aborted) throw thrown;
    throw new Problem(0, {});
  }
}

async function codeOf(response: Response): Promise<string | undefined> {
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => ({}));
  return (body as { code?: string }).code;
}

export const api = clientOf<paths>(BASE, request);

type Answer<Data> = { data?: Data; error?: unknown; response: Response };

/** The data of an answer; a problem is thrown. */
export async function answer<Data>(call: Promise<Answer<Data>>): Promise<Data> {
  const { data, error, response } = await call;
  if (!response.ok) throw problemOf(error, response);
  return data as Data;
}

type Method = "get" | "post" | "patch" | "put";
type Json<Reply> = Reply extends { content: { "application/json": infer Body } } ? Body : never;

/** What a call answers when it goes well: `Reply<"/auth/session">`. */
export type Reply<Path extends keyof paths, Verb extends Method = "get"> = paths[Path] extends {
  [Key in Verb]: { responses: infer All };
}
  ? Json<All[keyof All & (200 | 201 | 202)]>
  : never;

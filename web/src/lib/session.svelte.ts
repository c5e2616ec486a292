/** Who is signed in, for which customer, with which rights. */
import { answer, api, type Reply } from "@/lib/api";
import { language, type Language } from "@/lib/i18n.svelte";
import { asProblem, type Problem } from "@/lib/problem";

export type Session = Reply<"/auth/session">;

class SessionStore {
  current = $state.raw<Session | null>(null);
  /** Why the portal could not say who is signed in; not the same as nobody. */
  problem = $state.raw<Problem | null>(null);
  /** It ended by itself, so the sign-in page says why one is there. */
  expired = $state(false);
  #idle = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  get isOperator(): boolean {
    return this.current?.role === "operator";
  }

  async load(): Promise<void> {
    try {
      this.current = await answer(api.GET("/auth/session"));
      this.problem = null;
      this.expired = false;
      language.adopt(this.current.user.language as Language);
      this.#idle = Date.parse(this.current.expires_at) - Date.now();
      this.touch();
    } catch (thrown) {
      const problem = asProblem(thrown);
      if (problem.status === 401) this.current = null;
      // Who is signed in already is not thrown out by a disturbance.
      else if (!this.current) this.problem = problem;
    }
  }

  /** Every answer starts the idle time anew. When it is over, ask: the answer is 401 and leads to the sign-in page. */
  touch(): void {
    clearTimeout(this.#timer);
    if (this.current && this.#idle > 0) {
      this.#timer = setTimeout(() => void this.load(), Math.min(this.#idle + 2000, 2 ** 31 - 1));
    }
  }

  /** The portal answered 401 although somebody was here. */
  end(): void {
    if (!this.current) return;
    this.forget();
    this.expired = true;
  }

  forget(): void {
    this.current = null;
    this.expired = false;
    clearTimeout(this.#timer);
  }

  async open(customerId: string): Promise<void> {
    this.current = await answer(api.POST("/auth/session/customer", { body: { customer_id: customerId } }));
    this.touch();
  }

  /** The person's own new name, at once; the portal's parts tell each other a moment later. */
  called(given_name: string, family_name: string): void {
    if (!this.current) return;
    const name = `${given_name} ${family_name}`.trim();
    this.current = { ...this.current, user: { ...this.current.user, given_name, family_name, name } };
  }

  async leave(): Promise<void> {
    const chosen = language.chosen;
    await answer(api.DELETE("/auth/session"));
    // The answer makes the browser forget all it keeps for this site; the chosen language is no secret.
    if (chosen) language.choose(chosen);
  }
}

export const session = new SessionStore();

/** The language of the page, and of the profile when somebody is signed in. */
export function speak(next: Language): Promise<void> {
  language.choose(next);
  telling = telling.catch(() => undefined).then(() => tell(next));
  return telling;
}

/** One after the other: of two quick changes of mind the profile keeps the last. */
let telling = Promise.resolve();

async function tell(next: Language): Promise<void> {
  const { current } = session;
  if (current && language.current === next) {
    // Told even if the session seems to know it: the session hears of a change a moment after the profile.
    await answer(api.PATCH("/users/me", { body: { language: next } }));
    if (session.current === current) session.current = { ...current, user: { ...current.user, language: next } };
  }
}

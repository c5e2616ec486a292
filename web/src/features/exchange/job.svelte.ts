/** One file that is uploaded: waits its turn, goes, pauses, comes back after a break, ends. */
import { asProblem, type Problem } from "@/lib/problem";
import { session } from "@/lib/session.svelte";

import { Meter, type Pace } from "@/features/exchange/pace";
import { discard, Sender, STOPPED } from "@/features/exchange/sender";
import { claim, forget, keepHandle, remember } from "@/features/exchange/unfinished";

/**
 * `waiting`: the connection broke, it goes on by itself. `held`: another customer is open, or nobody is signed in.
 * `elsewhere`: another window sends it.
 */
export type State = "queued" | "sending" | "paused" | "waiting" | "held" | "elsewhere" | "failed" | "done";

/** `parent`: the drive itself bears the customer's id, so nothing can get into another customer's drive by mistake. */
export type Place = { parent: string; path: string; customer: string; user: string };
type Known = { id: string; url: string };

const PAUSES_MS = [1000, 2000, 5000, 10_000, 20_000, 30_000];
const DISK_FULL = 507;
/** Not the file's fault: a broken line, another writer's lease, a busy or starting service. */
const PASSING = new Set([0, 408, 409, 423, 429, 460, 500, 502, 503, 504, DISK_FULL]);
const GONE = new Set([404, 410]);
const TICK_MS = 250;

export class Job {
  readonly id: string;
  state = $state.raw<State>("queued");
  sent = $state(0);
  pace = $state.raw<Pace | null>(null);
  problem = $state.raw<Problem | undefined>();
  url: string | null;
  #sender: Sender | undefined;
  #meter = new Meter();
  #tries = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #drawn = 0;
  /** The run before: it lets go of everything before the next begins. */
  #before: Promise<void> = Promise.resolve();

  constructor(
    readonly file: File,
    readonly place: Place,
    readonly handle?: FileSystemFileHandle,
    known?: Known,
  ) {
    this.id = known?.id ?? crypto.randomUUID();
    this.url = known?.url ?? null;
  }

  get name(): string {
    return this.file.name;
  }

  get size(): number {
    return this.file.size;
  }

  /** Nothing comes of it without this page: leaving loses time. */
  get open(): boolean {
    return this.state !== "done" && this.state !== "failed" && this.state !== "elsewhere";
  }

  /** Sends until the end, a pause or a problem; `again` is called when it wants another turn after a break. */
  run(again: () => void): Promise<void> {
    this.state = "sending";
    this.problem = undefined;
    this.#before = this.#before.then(() => this.#run(again));
    return this.#before;
  }

  async #run(again: () => void): Promise<void> {
    const release = await claim(this.id);
    if (!release) {
      this.state = "elsewhere";
      return;
    }
    try {
      if (this.#now() !== "sending") return;
      await this.#send();
      this.state = "done";
      forget(this.id);
    } catch (thrown) {
      if (thrown !== STOPPED) this.#broken(asProblem(thrown), again);
    } finally {
      release();
      this.pace = null;
      this.#meter.clear();
    }
  }

  /** The state after a wait: meanwhile somebody may have pressed a button. */
  #now(): State {
    return this.state;
  }

  isHere(): boolean {
    const { current } = session;
    return current?.customer?.id === this.place.customer && current.user.id === this.place.user;
  }

  async #send(): Promise<void> {
    const sender = new Sender();
    this.#sender = sender;
    await sender.send(this.file, this.#metadata(), this.url, {
      started: (url) => this.#started(url),
      progress: (bytes) => this.#progress(bytes),
    });
    this.sent = this.size;
  }

  #metadata(): Record<string, string> {
    const { file, place } = this;
    return { filename: file.name, filetype: file.type || "application/octet-stream", parent: place.parent };
  }

  #started(url: string): void {
    this.url = new URL(url, location.origin).pathname;
    this.#tries = 0;
    this.#remember();
    if (this.handle) void keepHandle(this.id, this.handle);
  }

  #remember(paused = false): void {
    const { file, id, place, url } = this;
    if (!url) return;
    const { parent, path, customer, user } = place;
    remember(
      { id, url, name: file.name, size: file.size, modified: file.lastModified, parent, path, customer, user },
      paused,
    );
  }

  /** Not drawn for each packet. */
  #progress(bytes: number): void {
    const at = performance.now();
    if (bytes < this.size && at - this.#drawn < TICK_MS) return;
    this.#drawn = at;
    this.#meter.add(at, bytes);
    this.sent = bytes;
    this.pace = this.#meter.pace(this.size);
  }

  #broken(problem: Problem, again: () => void): void {
    this.problem = problem;
    if (problem.status === 401) {
      this.state = "held";
      // Whether the session is over, and for whom, decides the page; nothing else asks it here.
      void session.load();
    } else if (PASSING.has(problem.status)) {
      this.state = "waiting";
      const pause = PAUSES_MS[Math.min(this.#tries++, PAUSES_MS.length - 1)];
      this.#timer = setTimeout(again, problem.status === DISK_FULL ? PAUSES_MS.at(-1) : pause);
    } else {
      this.state = "failed";
      if (GONE.has(problem.status)) void this.#goneOrSwitched();
    }
  }

  /** An upload of another customer looks like one that does not exist. */
  async #goneOrSwitched(): Promise<void> {
    await session.load();
    if (!this.isHere()) this.state = "held";
    else if (this.url) {
      this.url = null;
      this.sent = 0;
      forget(this.id);
    }
  }

  /** The connection is back: do not wait longer. True when it waited. */
  wake(): boolean {
    clearTimeout(this.#timer);
    if (this.state !== "waiting") return false;
    this.state = "queued";
    return true;
  }

  async pause(state: "paused" | "held" = "paused"): Promise<void> {
    clearTimeout(this.#timer);
    this.state = state;
    this.#remember(state === "paused");
    await this.#sender?.stop();
  }

  resume(): void {
    this.problem = undefined;
    this.state = "queued";
  }

  async cancel(): Promise<void> {
    await this.pause();
    const { url } = this;
    forget(this.id);
    if (url) await discard(url);
  }
}

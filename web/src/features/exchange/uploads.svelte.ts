/** All uploads of this window. Belongs to no page: it goes on while the reader is elsewhere in the portal. */
import { untrack } from "svelte";

import { announce } from "@/lib/announce.svelte";
import { ongoing } from "@/lib/ongoing.svelte";
import { asProblem, type Problem } from "@/lib/problem";
import { session } from "@/lib/session.svelte";

import type { Haul } from "@/features/exchange/dropped";
import { Folders } from "@/features/exchange/folders";
import { Job, type Place } from "@/features/exchange/job.svelte";
import { discard } from "@/features/exchange/sender";
import { claimed, fileAgain, forget, isKept, isSame, remembered, type Unfinished } from "@/features/exchange/unfinished";
import { t } from "@/features/exchange/upload-words";

const AT_ONCE = 3;

type Arrived = (parent: string) => void;

class Uploads {
  jobs = $state.raw<Job[]>([]);
  /** Of an earlier visit, not yet taken up again. */
  unfinished = $state.raw<Unfinished[]>([]);
  /** Ids that another window is sending. */
  elsewhere = $state.raw<Set<string>>(new Set());
  /** Ids whose file the browser can lend again, if the reader agrees. */
  kept = $state.raw<Set<string>>(new Set());
  /** Folders that could not be made, with what should have gone into them. */
  refused = $state.raw<Problem | undefined>();
  #listeners = new Set<Arrived>();
  #round = 0;
  /** Person and customer as last seen: a session is also renewed for other reasons. */
  #who = "";

  constructor() {
    addEventListener("online", () => this.#wake());
    addEventListener("beforeunload", (event) => {
      if (this.open.length > 0) event.preventDefault();
    });
    // The session is what the uploads depend on, on every page.
    $effect.root(() => {
      $effect(() => {
        const [user, customer] = [session.current?.user.id, session.current?.customer?.id];
        untrack(() => this.#follow(user, customer, `${user} ${customer}`));
      });
      $effect(() => {
        const { open } = this;
        const going = open.filter(({ state }) => state !== "paused");
        ongoing.set(going.length, sum(going, (job) => job.sent), sum(going, (job) => job.size));
      });
    });
  }

  get open(): Job[] {
    return this.jobs.filter((job) => job.open);
  }

  /** Calls back with the folder that has something new. */
  listen(listener: Arrived): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Makes the folders and puts the files in line; one that was begun before goes on where it stopped. */
  async add(haul: Haul, parent: string, path: string): Promise<void> {
    const { current } = session;
    if (!current?.customer) return;
    const whose = { customer: current.customer.id, user: current.user.id };
    this.refused = undefined;
    const folders = new Folders(parent);
    try {
      for (const folder of haul.folders) await folders.make(folder);
    } catch (thrown) {
      this.refused = asProblem(thrown);
    }
    if (haul.folders.length > 0) this.#tell(parent);
    const jobs = haul.files.flatMap(({ file, folders: inside, handle }) => {
      const target = folders.of(inside);
      if (target === undefined) return [];
      const place: Place = { ...whose, parent: target, path: [path, ...inside].join(" / ") };
      const known = this.unfinished.find((one) => one.parent === target && isSame(file, one) && !this.elsewhere.has(one.id));
      return [new Job(file, place, handle, known)];
    });
    this.#take(jobs);
    if (jobs.length > 0) announce(jobs.length === 1 ? t("begun_one", { name: jobs[0]?.name ?? "" }) : t("begun", { count: jobs.length }));
  }

  #take(jobs: Job[]): void {
    const ids = new Set(jobs.map(({ id }) => id));
    this.unfinished = this.unfinished.filter(({ id }) => !ids.has(id));
    this.jobs = [...this.jobs.filter(({ id }) => !ids.has(id)), ...jobs];
    this.#pump();
  }

  /** Looks up what an earlier visit left behind. What the browser still lends goes on at once. */
  async lookBack(): Promise<void> {
    const { current } = session;
    if (!current?.customer) return;
    const round = ++this.#round;
    const here = new Set(this.jobs.map(({ id }) => id));
    const left = remembered(current.user.id, current.customer.id).filter(({ id }) => !here.has(id));
    const held = await claimed();
    const kept = await Promise.all(left.map(async ({ id }) => ((await isKept(id)) ? [id] : [])));
    if (round !== this.#round) return;
    [this.elsewhere, this.kept, this.unfinished] = [held, new Set(kept.flat()), left];
    for (const known of left) if (!known.paused && !held.has(known.id)) await this.takeUp(known, false);
  }

  /** With the file that the browser lends again; false when it must be chosen anew. */
  async takeUp(known: Unfinished, ask = true): Promise<boolean> {
    const file = await fileAgain(known.id, ask);
    return file !== null && this.takeUpWith(known, file);
  }

  /** With a file chosen again; false when it is another one. */
  takeUpWith(known: Unfinished, file: File): boolean {
    if (!isSame(file, known) || !this.unfinished.some(({ id }) => id === known.id)) return false;
    this.#take([new Job(file, known, undefined, known)]);
    return true;
  }

  async discard(known: Unfinished): Promise<void> {
    await discard(known.url);
    forget(known.id);
    this.unfinished = this.unfinished.filter(({ id }) => id !== known.id);
  }

  resume(job: Job): void {
    job.resume();
    this.#pump();
  }

  async pause(job: Job): Promise<void> {
    await job.pause();
    this.#pump();
  }

  async cancel(job: Job): Promise<void> {
    this.jobs = this.jobs.filter((one) => one !== job);
    announce(t("cancelled", { name: job.name }));
    this.#pump();
    await job.cancel();
  }

  /** The ended ones go away from the list. */
  tidy(): void {
    this.jobs = this.jobs.filter((job) => job.open);
    this.refused = undefined;
  }

  async pauseAll(): Promise<void> {
    await Promise.all(this.open.map((job) => job.pause()));
  }

  resumeAll(): void {
    for (const job of this.jobs) if (job.state === "paused") job.resume();
    this.#pump();
  }

  #pump(): void {
    let free = AT_ONCE - this.jobs.filter(({ state }) => state === "sending").length;
    for (const job of this.jobs) {
      if (free <= 0) return;
      if (job.state !== "queued") continue;
      free -= 1;
      void job.run(() => this.#again(job)).then(() => this.#ended(job));
    }
  }

  #again(job: Job): void {
    if (job.wake()) this.#pump();
  }

  #wake(): void {
    if (this.jobs.map((job) => job.wake()).includes(true)) this.#pump();
  }

  #ended(job: Job): void {
    if (job.state === "done") this.#tell(job.place.parent);
    const left = this.open.length;
    if (job.state === "failed") announce(t("failed_named", { name: job.name, why: job.problem?.title ?? "" }));
    else if (job.state === "waiting") announce(t("waiting_named", { name: job.name }));
    else if (job.state === "done" && left === 0) announce(t("all_done"));
    else if (job.state === "done" && left < AT_ONCE) announce(t("done_named", { name: job.name }));
    this.#pump();
  }

  #tell(parent: string): void {
    for (const listener of this.#listeners) listener(parent);
  }

  /** What goes on belongs to one person and one customer; others must not even see its name. */
  #follow(user: string | undefined, customer: string | undefined, who: string): void {
    if (who === this.#who) return;
    this.#who = who;
    this.refused = undefined;
    if (user && this.jobs.some(({ place }) => place.user !== user)) {
      const foreign = this.jobs.filter(({ place }) => place.user !== user);
      this.jobs = this.jobs.filter(({ place }) => place.user === user);
      for (const job of foreign) void job.pause();
    }
    for (const job of this.jobs) {
      const here = job.place.customer === customer;
      if (here && job.state === "held") job.resume();
      else if (user && !here && ["sending", "waiting", "queued"].includes(job.state)) void job.pause("held");
    }
    this.unfinished = [];
    this.#pump();
  }
}

const sum = (jobs: Job[], of: (job: Job) => number): number => jobs.reduce((total, job) => total + of(job), 0);

export const uploads = new Uploads();

/** Something loaded: what is there stays visible while newer data comes; only the newest answer counts. */
import { asProblem, type Problem } from "@/lib/problem";

export class Resource<Data> {
  data = $state.raw<Data | undefined>();
  problem = $state.raw<Problem | undefined>();
  loading = $state(false);
  #run = 0;
  #changed = false;

  async load(fetch: () => Promise<Data>): Promise<void> {
    const run = ++this.#run;
    this.loading = true;
    try {
      let data: Data;
      do {
        this.#changed = false;
        data = await fetch();
        if (run !== this.#run) return;
      } while (this.#changed);
      this.data = data;
      this.problem = undefined;
    } catch (thrown) {
      if (run === this.#run) this.problem = asProblem(thrown);
    } finally {
      if (run === this.#run) this.loading = false;
    }
  }

  /** What the answer to a change says. A load that is under way may have been answered before it, and is repeated. */
  change(data: Data): void {
    this.data = data;
    this.#changed = true;
  }
}

/** A form or button at work: busy until the answer, and its problem if there was one. */
export class Action {
  busy = $state(false);
  problem = $state.raw<Problem | undefined>();

  /** Runs once at a time; true when it went well. */
  async run(work: () => Promise<void>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.problem = undefined;
    try {
      await work();
      return true;
    } catch (thrown) {
      this.problem = asProblem(thrown);
      return false;
    } finally {
      this.busy = false;
    }
  }
}

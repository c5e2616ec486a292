/** One customer's drive as loaded: the open folder, the way to it, how full it is; and what is done with entries. */
import { announce } from "@/lib/announce.svelte";
import { Action, Resource } from "@/lib/resource.svelte";

import * as calls from "@/features/exchange/calls";
import type { Sort } from "@/features/exchange/entries";
import type { Entry, Listing, Usage } from "@/features/exchange/types";
import { t } from "@/features/exchange/words";

type Shown = Listing & { parent: string; sort: Sort };
const TOGETHER_MS = 400;

export class Drive {
  list = new Resource<Shown>();
  usage = new Resource<Usage>();
  more = new Action();
  action = new Action();
  /** What was thrown away last, as long as it can be taken back with one click. */
  undoable = $state.raw<Entry | undefined>();
  #folder = "";
  #sort: Sort = "name";
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `root` bears the customer's id. */
  constructor(readonly root: string) {}

  open(folder: string, sort: Sort): void {
    const other = folder !== this.#folder;
    [this.#folder, this.#sort] = [folder, sort];
    if (other) {
      this.action.problem = undefined;
      this.undoable = undefined;
    }
    void this.load();
  }

  load(): Promise<void> {
    const [parent, sort] = [this.#folder, this.#sort];
    return this.list.load(async () => ({ ...(await calls.listEntries(parent, sort)), parent, sort }));
  }

  /** Everything that is shown, anew; many reasons within a moment are one. */
  renew(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#renewNow(), TOGETHER_MS);
  }

  async #renewNow(): Promise<void> {
    const [parent, sort] = [this.#folder, this.#sort];
    void this.loadUsage();
    await this.list.load(async () => {
      let page = await calls.listAgain(parent, sort, this.#shown(parent, sort));
      // Meanwhile the reader may have asked for more.
      while (page.next_cursor && page.items.length < this.#shown(parent, sort)) {
        page = await calls.listAgain(parent, sort, this.#shown(parent, sort));
      }
      return { ...page, parent, sort };
    });
  }

  #shown(parent: string, sort: Sort): number {
    const { data } = this.list;
    return data?.parent === parent && data.sort === sort ? data.items.length : 0;
  }

  loadUsage(): Promise<void> {
    return this.usage.load(() => calls.readUsage());
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  loadMore(): void {
    const before = this.list.data;
    if (!before?.next_cursor) return;
    const { parent, sort, next_cursor: cursor } = before;
    void this.more.run(async () => {
      const next = await calls.listEntries(parent, sort, cursor);
      const now = this.list.data;
      if (now?.parent !== parent || now.sort !== sort) return;
      const known = new Set(now.items.map(({ id }) => id));
      const items = [...now.items, ...next.items.filter(({ id }) => !known.has(id))];
      this.list.data = { ...next, items, parent, sort };
      announce(t("found", { count: items.length }));
    });
  }

  async make(name: string): Promise<void> {
    const folder = await calls.makeFolder(this.#folder, name);
    announce(t("created", { name: folder.name }));
    await this.#renewAtOnce();
  }

  async rename(entry: Entry, name: string): Promise<void> {
    const { name: now } = await calls.change(entry, { name });
    announce(t("renamed", { name: now }));
    await this.#renewAtOnce();
  }

  async move(entry: Entry, to: { id: string; name: string }): Promise<void> {
    await calls.change(entry, { parent: to.id });
    announce(t("moved", { name: entry.name, folder: to.name }));
    await this.#renewAtOnce();
  }

  async throwAway(entry: Entry): Promise<boolean> {
    return this.#act(async () => {
      await calls.remove(entry);
      this.undoable = entry;
    });
  }

  async takeBack(): Promise<void> {
    const entry = this.undoable;
    if (!entry) return;
    await this.#act(async () => {
      await calls.restore(entry.id);
      this.undoable = undefined;
      announce(t("restored", { name: entry.name }));
    });
  }

  /** Whatever came of it: what is shown is what is there. */
  async #act(work: () => Promise<void>): Promise<boolean> {
    const done = await this.action.run(work);
    await this.#renewAtOnce();
    return done;
  }

  /** After a change of one's own: the next one must not be tried on what was there before. */
  async #renewAtOnce(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#renewNow();
  }
}

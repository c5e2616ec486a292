/** The company's people while the page is open: one list, kept fresh by what the portal tells. */
import { Action, Resource } from "@/lib/resource.svelte";

import { listUsers, oneUser } from "@/features/users/calls";
import type { UserPage, UserRow } from "@/features/users/rows";

export class People {
  list = new Resource<UserPage>();
  more = new Action();
  #changes = 0;

  get rows(): UserRow[] {
    return this.list.data?.items ?? [];
  }

  load(): Promise<void> {
    return this.list.load(() => listUsers());
  }

  loadMore(): void {
    const before = this.list.data;
    if (!before?.next_cursor) return;
    void this.more.run(async () => {
      const next = await listUsers(before.next_cursor);
      const known = new Set(this.rows.map((row) => row.id));
      const items = [...this.rows, ...next.items.filter((row) => !known.has(row.id))];
      this.list.data = { ...next, items };
    });
  }

  /** One that is known stays where it is; another one comes last, as in the portal's own order. */
  put(user: UserRow): void {
    const known = this.rows.some((row) => row.id === user.id);
    const items = known ? this.rows.map((row) => (row.id === user.id ? user : row)) : [...this.rows, user];
    this.#change(items);
  }

  /** What was just typed in the first row stays beside it. */
  putFirst(user: UserRow): void {
    this.#change([user, ...this.rows.filter((row) => row.id !== user.id)]);
  }

  drop(id: string): void {
    this.#change(this.rows.filter((row) => row.id !== id));
  }

  /** Something happened to this row: look again. One that is gone leaves the list, one that is new comes to it. */
  async refresh(id: string): Promise<void> {
    const known = this.rows.some((row) => row.id === id);
    // On a page that was not asked for yet it will be read when it is.
    if (!known && this.list.data?.next_cursor !== null) return;
    try {
      let before: number;
      let row: UserRow;
      do {
        before = this.#changes;
        row = await oneUser(id);
        // What was changed meanwhile is newer than this answer may be.
      } while (before !== this.#changes);
      this.put(row);
    } catch (thrown) {
      if ((thrown as { status?: number }).status === 404) this.drop(id);
    }
  }

  #change(items: UserRow[]): void {
    if (!this.list.data) return;
    this.#changes += 1;
    this.list.change({ ...this.list.data, items });
  }
}

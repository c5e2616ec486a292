/** Both sides' contacts as loaded, and what is done with them in one click. */
import { announce } from "@/lib/announce.svelte";
import { asProblem, type Problem } from "@/lib/problem";
import { Resource } from "@/lib/resource.svelte";

import { confirm, listContacts } from "@/features/contacts/calls";
import type { Contact } from "@/features/contacts/types";
import { t } from "@/features/contacts/words";

export class Desk {
  theirs = new Resource<Contact[]>();
  ours = new Resource<Contact[]>();
  busy = $state(false);
  refused = $state.raw<{ id: string; problem: Problem } | undefined>();

  get own(): Contact[] {
    return this.ours.data ?? [];
  }

  async load(): Promise<void> {
    await Promise.all([this.loadTheirs(), this.loadOurs()]);
  }

  loadTheirs(): Promise<void> {
    return this.theirs.load(() => listContacts("operator"));
  }

  loadOurs(): Promise<void> {
    return this.ours.load(() => listContacts("customer"));
  }

  /** The row stays where it is; a new one comes to the end. */
  put(contact: Contact): void {
    if (contact.side === "operator") {
      // Its place among the topics, and whose deputy it is, may be others now.
      void this.loadTheirs();
      return;
    }
    const known = this.own.some(({ id }) => id === contact.id);
    this.ours.change(known ? this.own.map((one) => (one.id === contact.id ? contact : one)) : [...this.own, contact]);
  }

  drop(contact: Contact): void {
    if (contact.side === "operator") {
      void this.loadTheirs();
      return;
    }
    const { id } = contact;
    this.ours.change(this.own.filter((one) => one.id !== id));
  }

  async confirm(contact: Contact): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.refused = undefined;
    try {
      this.put(await confirm(contact.id, contact.version));
      announce(t("confirmed_done", { name: contact.name }));
    } catch (thrown) {
      const problem = asProblem(thrown);
      this.refused = { id: contact.id, problem };
      // Somebody was faster: what is right now is shown, and can then be confirmed.
      if (problem.status === 412 || problem.status === 404) void this.loadOurs();
    } finally {
      this.busy = false;
    }
  }
}

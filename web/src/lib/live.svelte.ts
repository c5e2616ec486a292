/** What happens while the page is open: server-sent events for the signed-in user's customer. */
import { BASE } from "@/lib/api";

export type Notice = { id: string; kind: string; number: string; link: string; event: string };
type Listener = (notice: Notice | null) => void;

const EVENTS = ["invoice_filed", "document_filed"] as const;
const LONGEST_PAUSE = 30_000;
const MOST = 30;

class Live {
  notices = $state.raw<Notice[]>([]);
  unseen = $state(0);
  connected = $state(false);
  #source: EventSource | undefined;
  #listeners = new Set<Listener>();
  #pause = 1000;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Calls back with each notice, and with null when some may have been missed: lists are then loaded again. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Opens the stream. `check` is asked when the portal refuses it: is anybody still signed in? */
  start(check: () => Promise<void>): void {
    this.stop();
    const source = new EventSource(`${BASE}/live`);
    this.#source = source;
    source.addEventListener("open", () => {
      // What happened between the page's first answer and now, or during a break, nobody has told it.
      this.#tell(null);
      this.connected = true;
      this.#pause = 1000;
    });
    for (const name of EVENTS) {
      source.addEventListener(name, (event) => this.#receive(name, (event as MessageEvent<string>).data));
    }
    source.addEventListener("resync", () => this.#tell(null));
    source.addEventListener("error", () => {
      this.connected = false;
      // The browser comes back by itself after a break, but not after a refusal.
      if (source.readyState === EventSource.CLOSED && this.#source === source) this.#later(check);
    });
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = undefined;
    this.connected = false;
  }

  forget(): void {
    this.stop();
    this.notices = [];
    this.unseen = 0;
  }

  #later(check: () => Promise<void>): void {
    this.#timer = setTimeout(async () => {
      await check();
      if (this.#source) this.start(check);
    }, this.#pause);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
  }

  #receive(event: string, data: string): void {
    const fields = JSON.parse(data) as Partial<Notice>;
    if (!fields.id || this.notices.some((known) => known.id === fields.id)) return;
    const notice: Notice = {
      id: fields.id,
      event,
      kind: fields.kind ?? "",
      number: fields.number ?? "",
      link: `/files?document=${encodeURIComponent(fields.id)}`,
    };
    this.notices = [notice, ...this.notices].slice(0, MOST);
    this.unseen += 1;
    this.#tell(notice);
  }

  #tell(notice: Notice | null): void {
    for (const listener of this.#listeners) listener(notice);
  }
}

export const live = new Live();

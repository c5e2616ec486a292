/** What happens while the page is open: server-sent events for the signed-in user's customer. */
import { BASE } from "@/lib/api";
import { session } from "@/lib/session.svelte";

/** `number` is what it is called: of a contact the name. */
export type Notice = { id: string; kind: string; number: string; link: string; event: string };
/** `side` is who brought a file. */
type Fields = Partial<Pick<Notice, "id" | "kind" | "number"> & { side: string }>;
type Listener = (notice: Notice | null) => void;

/** What the portal tells, and the page that shows it. */
const PAGES = {
  invoice_filed: "/files?document=",
  document_filed: "/files?document=",
  contract_changed: "/contracts?contract=",
  contract_cancelled: "/contracts?contract=",
  notice_approaching: "/contracts?contract=",
  contact_changed: "/contacts?contact=",
  contact_confirmed: "/contacts?contact=",
  review_due: "/contacts?contact=",
  user_changed: "/users?user=",
  file_shared: "/files/exchange?entry=",
  file_quarantined: "/files/exchange?entry=",
  file_opened: "/files/exchange?entry=",
} as const;
type Name = keyof typeof PAGES;
/** Lists follow it, but nobody needs to be told. */
const QUIET: Name[] = ["user_changed", "file_opened"];
const LONGEST_PAUSE = 30_000;
const MOST = 30;

class Live {
  notices = $state.raw<Notice[]>([]);
  unseen = $state(0);
  connected = $state(false);
  #source: EventSource | undefined;
  #listeners = new Set<Listener>();
  /** A stream that comes back may say again what was heard. */
  #heard = new Set<string>();
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
    for (const name of Object.keys(PAGES) as Name[]) {
      source.addEventListener(name, (event) => this.#receive(name, event as MessageEvent<string>));
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
    this.#heard.clear();
    this.unseen = 0;
  }

  #later(check: () => Promise<void>): void {
    this.#timer = setTimeout(async () => {
      await check();
      if (this.#source) this.start(check);
    }, this.#pause);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
  }

  #receive(event: Name, { data, lastEventId }: MessageEvent<string>): void {
    const fields = JSON.parse(data) as Fields;
    if (!fields.id || this.#heard.has(lastEventId)) return;
    this.#heard.add(lastEventId);
    const notice: Notice = {
      id: fields.id,
      event,
      kind: fields.kind ?? "",
      number: fields.number ?? "",
      link: PAGES[event] + encodeURIComponent(fields.id),
    };
    const ours = fields.side === (session.isOperator ? "operator" : "customer");
    if (QUIET.includes(event) || (ours && event === "file_shared")) return this.#tell(notice);
    // A contract that changes again is one notice, the newest.
    const others = this.notices.filter((known) => known.event !== event || known.id !== notice.id);
    this.notices = [notice, ...others].slice(0, MOST);
    this.unseen += 1;
    this.#tell(notice);
  }

  #tell(notice: Notice | null): void {
    for (const listener of this.#listeners) listener(notice);
  }
}

export const live = new Live();

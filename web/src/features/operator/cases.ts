/** What could not be filed, handled or sent: lists with the same two ways out, from each service that has them. */
import { answer, api } from "@/lib/api";

export const LISTS = ["parked", "conflicts", "refused", "dead-letters", "mails"] as const;
export type List = (typeof LISTS)[number];

const SERVICES = ["documents", "contracts", "contacts", "metrics", "users", "auth"] as const;
const POSTMEN = ["auth", "users"] as const;
export type Service = (typeof SERVICES)[number];

export type Case = {
  id: string;
  service: Service;
  name: string;
  subject: string;
  source: string;
  customer_number: string | null;
  reason: string;
  detail: string;
  received_at: string;
};
/** `missing`: services that did not answer, so that an empty list does not look like a clean one. */
export type CasePage = { items: Case[]; next_cursor: string | null; missing: Service[] };

type Letter = { id: number; subject: string; reason: string; detail: string; attempts: number; received_at: string };
type Mail = { id: string; kind: string; recipient: string; state: string; error: string | null; created_at: string };
type Page<Item> = { items: Item[]; next_cursor: string | null };
type Cursors = Partial<Record<Service, string>>;
type Any = <Data>(path: string, init?: unknown) => Promise<{ data?: Data; error?: unknown; response: Response }>;

/** The services' lists are alike, whatever the interface's document calls their types. */
const get = api.GET as unknown as Any;
const post = api.POST as unknown as Any;

export async function listCases(list: List, cursor?: string): Promise<CasePage> {
  if (list === "dead-letters") {
    return await together(SERVICES, cursor, (service, params) =>
      page<Letter>(service, list, params, (letter) => ofLetter(service, letter)),
    );
  }
  if (list === "mails") {
    return await together(POSTMEN, cursor, (service, params) =>
      page<Mail>(service, list, params, (mail) => ofMail(service, mail)),
    );
  }
  const params = { query: { limit: 50, ...(cursor ? { cursor } : {}) } };
  const { items, next_cursor } = await answer(api.GET(`/documents/operator/${list}`, { params }));
  const cases = items.map((record) => ({
    ...record,
    service: "documents" as const,
    name: record.number || record.event_id,
    detail: record.detail ?? "",
  }));
  return { items: cases, next_cursor, missing: [] };
}

type Params = { query: { limit: number; cursor?: string } };

async function page<Item>(
  service: Service,
  list: List,
  params: Params,
  caseOf: (item: Item) => Case,
): Promise<Page<Case>> {
  const { items, next_cursor } = await answer(get<Page<Item>>(`/${service}/operator/${list}`, { params }));
  return { items: items.map(caseOf), next_cursor };
}

/** One list of several services', newest first; each has a cursor of its own. Nobody answers: the problem of the first. */
async function together(
  services: readonly Service[],
  cursor: string | undefined,
  ask: (service: Service, params: Params) => Promise<Page<Case>>,
): Promise<CasePage> {
  const cursors = cursor ? (JSON.parse(cursor) as Cursors) : undefined;
  const asked = services.filter((service) => !cursors || cursors[service]);
  const answers = await Promise.allSettled(
    asked.map((service) => {
      const after = cursors?.[service];
      return ask(service, { query: { limit: 50, ...(after ? { cursor: after } : {}) } });
    }),
  );
  const first = answers[0];
  if (first?.status === "rejected" && answers.every(({ status }) => status === "rejected")) throw first.reason;
  const items: Case[] = [];
  const next: Cursors = {};
  const missing: Service[] = [];
  answers.forEach((one, at) => {
    const service = asked[at] as Service;
    if (one.status === "rejected") return void missing.push(service);
    items.push(...one.value.items);
    if (one.value.next_cursor) next[service] = one.value.next_cursor;
  });
  items.sort((a, b) => b.received_at.localeCompare(a.received_at));
  return { items, next_cursor: Object.keys(next).length > 0 ? JSON.stringify(next) : null, missing };
}

const ofLetter = (service: Service, letter: Letter): Case => ({
  ...letter,
  service,
  id: String(letter.id),
  name: String(letter.id),
  source: service,
  customer_number: null,
});

const ofMail = (service: Service, mail: Mail): Case => ({
  id: mail.id,
  service,
  name: mail.recipient,
  subject: mail.kind,
  source: service,
  customer_number: null,
  reason: `mail_${mail.state}`,
  detail: mail.error ?? "",
  received_at: mail.created_at,
});

export async function decide(list: List, { service, id }: Case, verb: "retry" | "drop"): Promise<void> {
  await answer(post(`/${service}/operator/${list}/{id}/${verb}`, { params: { path: { id } } }));
}

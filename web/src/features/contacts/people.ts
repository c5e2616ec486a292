/** Pure rules of the screen: who stands where, what is missing, what differs. */
import type { Approval, Contact, Details, Field, Side } from "@/features/contacts/types";
import { roles, t, tongues, topics } from "@/features/contacts/words";

export const TOPICS = Object.keys(topics.words);
export const ROLES = Object.keys(roles.words);
export const SENSITIVE = ["invoices", "site_access"];
export const FIELDS: Field[] = [
  "given_name",
  "family_name",
  "organisation",
  "roles",
  "email",
  "phone",
  "mobile",
  "hours",
  "languages",
];

/** A role in words; one that this page does not know is shown as it came. */
export const roleName = (role: string): string => (role in roles.words ? roles(role as Parameters<typeof roles>[0]) : role);
export const topicName = (topic: string): string =>
  topic in topics.words ? topics(topic as Parameters<typeof topics>[0]) : topic;
export const tongueName = (tongue: string): string => {
  const plain = tongue.slice(0, 2).toLowerCase();
  return plain in tongues.words ? tongues(plain as Parameters<typeof tongues>[0]) : tongue;
};
export const choicesOf = (side: Side): string[] => (side === "operator" ? TOPICS : ROLES);

export const isSensitive = ({ side, roles: own }: { side: Side; roles: string[] }): boolean =>
  side === "customer" && own.some((role) => SENSITIVE.includes(role));

export type Group = { role: string; people: Contact[] };

/** Every role in its usual order with those who have it, nobody included; unknown roles come last. */
export function byRole(contacts: Contact[], order: string[]): Group[] {
  const others = contacts.flatMap(({ roles: own }) => own).filter((role) => !order.includes(role));
  return [...order, ...new Set(others)].map((role) => ({
    role,
    people: contacts.filter((contact) => contact.roles.includes(role)),
  }));
}

/** Who waits for approval, or was refused, fills no gap. */
export const isGap = ({ people }: Group): boolean => !people.some(({ state }) => state === "active");

/** Whole months between two moments. */
export function monthsSince(iso: string, now = new Date()): number {
  const then = new Date(iso);
  const months = (now.getFullYear() - then.getFullYear()) * 12 + now.getMonth() - then.getMonth();
  return now.getDate() < then.getDate() ? months - 1 : months;
}

/** A refusal is shown until somebody has changed or confirmed the entry since. */
export function refusalOf(contact: Contact): { reason: string; at: string } | undefined {
  const { decision, pending, changed_at, confirmed_at, state } = contact;
  if (!decision || decision.approved || pending) return undefined;
  const later = [changed_at, confirmed_at].some((at) => at !== null && Date.parse(at) > Date.parse(decision.decided_at));
  return later && state !== "rejected" ? undefined : { reason: decision.reason ?? "", at: decision.decided_at };
}

/** One field's value in words. */
export function inWords(field: string, value: unknown): string {
  if (value === null || value === undefined || value === "") return t("nothing");
  if (typeof value === "boolean") return t(value ? "yes" : "no");
  if (!Array.isArray(value)) return String(value);
  const name = field === "roles" ? anyRole : field === "languages" ? tongueName : String;
  return value.map((one) => name(String(one))).join(", ") || t("nothing");
}

const anyRole = (role: string): string => (ROLES.includes(role) ? roleName(role) : topicName(role));

export const fieldName = (field: string): string => (field in t.words ? t(field as Field) : field);

export type Difference = { field: string; label: string; before: string; after: string };

/** What would change, field by field; the order of roles says nothing. */
export function differences(before: Partial<Details>, after: Partial<Details>): Difference[] {
  return FIELDS.filter((field) => field in after && !same(before[field], after[field]))
    .map((field) => ({
      field,
      label: fieldName(field),
      before: inWords(field, before[field]),
      after: inWords(field, after[field]),
    }))
    .filter(({ before: was, after: is }) => was !== is);
}

const flat = (value: Details[Field] | undefined): string =>
  Array.isArray(value) ? JSON.stringify([...value].sort()) : (value ?? "");
const same = (one: Details[Field] | undefined, other: Details[Field] | undefined): boolean => flat(one) === flat(other);

/** What a form says: blanks at the ends do not count, an empty field is none. */
export function readForm(form: FormData): Details {
  const text = (name: string): string => String(form.get(name) ?? "").trim();
  return {
    given_name: text("given_name"),
    family_name: text("family_name"),
    organisation: text("organisation") || null,
    roles: form.getAll("roles").map(String),
    email: text("email") || null,
    phone: text("phone") || null,
    mobile: text("mobile") || null,
    hours: text("hours") || null,
    languages: form.getAll("languages").map(String),
  };
}

/** Only what differs: a change of a telephone number asks for nothing else. */
export function changesOf(before: Details, after: Details): Partial<Details> {
  return Object.fromEntries(
    FIELDS.filter((field) => !same(before[field], after[field])).map((field) => [field, after[field]]),
  );
}

/** What a form begins with: what is in force, and what was asked for already. */
export const wantedOf = (contact: Contact): Details => ({
  ...(Object.fromEntries(FIELDS.map((field) => [field, contact[field]])) as Details),
  ...(contact.pending?.kind === "change" ? (contact.pending.changes as Partial<Details>) : {}),
});

/** Whose change waits, also of somebody who is not there yet. */
export function approvalName({ current, changes }: Pick<Approval, "current" | "changes">): string {
  const one: Partial<Details> = { ...current, ...changes };
  return `${one.given_name ?? ""} ${one.family_name ?? ""}`.trim() || one.organisation || t("nothing");
}

export const beforeAt = (email: string): string => email.slice(0, email.lastIndexOf("@"));
export const fromAt = (email: string): string => email.slice(email.lastIndexOf("@"));

export type Number = { kind: "phone" | "mobile"; text: string; dial: string };

/** Telephone numbers as they are written, and as a telephone dials them. */
export function numbersOf(contact: Contact): Number[] {
  return (["phone", "mobile"] as const).flatMap((kind) => {
    const text = contact[kind];
    return text ? [{ kind, text, dial: `tel:${contact[`${kind}_e164`] ?? text.replace(/[^+\d]/g, "")}` }] : [];
  });
}

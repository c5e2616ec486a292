/** Pure rules of the screen: who stands where, what is missing, what differs. */
import { language } from "@/lib/i18n.svelte";

import type { Contact, Details, Field } from "@/features/contacts/types";
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
export const tongueName = (tongue: string): string =>
  tongue in tongues.words ? tongues(tongue as Parameters<typeof tongues>[0]) : tongue;

export const isSensitive = (contact: { roles: string[] }): boolean =>
  contact.roles.some((role) => SENSITIVE.includes(role));

type Named = { given_name: string | null; family_name: string | null; organisation: string | null };
export const fullName = (one: Named): string =>
  `${one.given_name ?? ""} ${one.family_name ?? ""}`.trim() || one.organisation || "–";

export type Group = { role: string; people: Contact[] };

/** Every role in its usual order with those who have it, nobody included; unknown roles come last. */
export function byRole(contacts: Contact[], order: string[]): Group[] {
  const others = contacts.flatMap(({ roles: own }) => own).filter((role) => !order.includes(role));
  return [...order, ...new Set(others)].map((role) => ({
    role,
    people: contacts.filter((contact) => contact.roles.includes(role)),
  }));
}

export const gapsOf = (groups: Group[]): number => groups.filter(({ people }) => people.length === 0).length;

/** Whole months between two moments. */
export function monthsSince(iso: string, now = new Date()): number {
  const then = new Date(iso);
  const months = (now.getFullYear() - then.getFullYear()) * 12 + now.getMonth() - then.getMonth();
  return now.getDate() < then.getDate() ? months - 1 : months;
}

/** One field's value in words. */
export function inWords(field: Field, value: Details[Field] | undefined): string {
  if (value === null || value === undefined || value.length === 0) return t("nothing");
  if (field === "roles") return (value as string[]).map(roleName).join(", ");
  if (field === "languages") return (value as string[]).map(tongueName).join(", ");
  return String(value);
}

export type Difference = { field: Field; label: string; before: string; after: string };

/** What would change, field by field; the order of roles says nothing. */
export function differences(before: Details, after: Partial<Details>): Difference[] {
  return FIELDS.filter((field) => field in after && !same(before[field], after[field])).map((field) => ({
    field,
    label: t(field),
    before: inWords(field, before[field]),
    after: inWords(field, after[field]),
  }));
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

export const inOrder = (contacts: Contact[]): Contact[] =>
  [...contacts].sort((one, other) =>
    `${one.family_name} ${one.given_name}`.localeCompare(`${other.family_name} ${other.given_name}`, language.current),
  );

export const dial = (phone: string): string => `tel:${phone.replace(/[^+\d]/g, "")}`;

/** The search of the bar: asks the apps that the reader has, all at once. */
import { answer, api } from "@/lib/api";
import { date, money } from "@/lib/format";
import type { Session } from "@/lib/session.svelte";
import { documentName } from "@/lib/names-words";

import { t } from "@/app/frame-words";

export type Hit = {
  href: string;
  title: string;
  about: string;
  /** Opening the hit opens this customer. */
  customerId?: string;
};
export type Group = { title: string; hits: Hit[]; all?: { href: string; title: string } };

const MOST = 5;

export async function found(session: Session, q: string): Promise<Group[]> {
  const may = (...modules: string[]): boolean =>
    session.customer !== null &&
    (session.role === "operator" || modules.some((module) => session.modules.includes(module)));
  return await Promise.all([
    ...(session.role === "operator" ? [customers(q)] : []),
    ...(may("invoices", "call_records") ? [documents(q)] : []),
    ...(may("contracts") ? [contracts(q)] : []),
    ...(may("contacts") ? [contacts(q)] : []),
  ]);
}

async function customers(q: string): Promise<Group> {
  const { items, next_cursor } = await answer(api.GET("/customers", { params: { query: { q, limit: MOST } } }));
  return {
    title: t("customers"),
    hits: items.map(({ id, name, number }) => ({ href: "/", title: name, about: number, customerId: id })),
    ...more(next_cursor, `/customers?q=${encodeURIComponent(q)}`, t("search_all_customers")),
  };
}

async function documents(q: string): Promise<Group> {
  const { items, next_cursor } = await answer(api.GET("/documents", { params: { query: { q, limit: MOST } } }));
  return {
    title: t("search_documents"),
    hits: items.map((document) => ({
      href: `/files?document=${encodeURIComponent(document.id)}`,
      title: documentName(document),
      about: [date(document.issued_on), document.gross ? money(document.gross) : ""].filter(Boolean).join(" · "),
    })),
    ...more(next_cursor, `/files?q=${encodeURIComponent(q)}`, t("search_all")),
  };
}

async function contracts(q: string): Promise<Group> {
  const { items, next_cursor } = await answer(api.GET("/contracts", { params: { query: { q, limit: MOST } } }));
  return {
    title: t("search_contracts"),
    hits: items.map(({ id, name, number, site }) => ({
      href: `/contracts?contract=${encodeURIComponent(id)}`,
      title: name,
      about: [number, site].filter(Boolean).join(" · "),
    })),
    ...more(next_cursor, `/contracts?q=${encodeURIComponent(q)}`, t("search_all_contracts")),
  };
}

async function contacts(q: string): Promise<Group> {
  const { items } = await answer(api.GET("/contacts", { params: { query: { q, limit: MOST } } }));
  return {
    title: t("search_contacts"),
    hits: items.map(({ id, name, organisation, email, phone }) => ({
      href: `/contacts?contact=${encodeURIComponent(id)}`,
      title: name,
      about: [organisation, phone ?? email].filter(Boolean).join(" · "),
    })),
  };
}

const more = (cursor: string | null | undefined, href: string, title: string): Pick<Group, "all"> =>
  cursor ? { all: { href, title } } : {};

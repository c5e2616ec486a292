/** A company's people, as the table shows them. Pure. */
import type { Reply } from "@/lib/api";
import { moduleName, MODULES, type Module } from "@/lib/names-words";

export type UserPage = Reply<"/users">;
export type UserRow = UserPage["items"][number];

/** What an admin may correct in a row. */
export type Details = Pick<UserRow, "email" | "given_name" | "family_name" | "language" | "expires_on"> & {
  role: "admin" | "member";
  modules: Module[];
};
const FIELDS: (keyof Details)[] = ["email", "given_name", "family_name", "language", "role", "modules", "expires_on"];

/** Always in the same order, whoever ticked what first. */
export const inOrder = (modules: readonly string[]): Module[] => MODULES.filter((module) => modules.includes(module));

export const moduleNames = (user: Pick<UserRow, "modules">): string => inOrder(user.modules).map(moduleName).join(", ");

export const fullName = (user: Pick<UserRow, "given_name" | "family_name" | "email">): string =>
  `${user.given_name} ${user.family_name}`.trim() || user.email;

/** Nobody has used the link yet: until then the address may be corrected. */
export const isWaiting = (user: Pick<UserRow, "password_set_at" | "last_login_at" | "invitation">): boolean =>
  user.invitation.state !== "used" && !user.password_set_at && !user.last_login_at;

/** Who has never been in gets an invitation, again and again if need be. */
export function invitationWord(user: Pick<UserRow, "state" | "invitation">): "invite" | "again" | null {
  if (!["created", "invited"].includes(user.state)) return null;
  return user.invitation.state === "none" ? "invite" : "again";
}

/** There is an app, or a lock, that somebody could take away. */
export const hasSecondFactor = (user: Pick<UserRow, "state">): boolean => ["active", "locked"].includes(user.state);

/** The last day is over, seen from the reader's own day. */
export const isOver = (user: Pick<UserRow, "expires_on">, today: string): boolean =>
  Boolean(user.expires_on) && String(user.expires_on) < today;

/** Today where the reader is, as YYYY-MM-DD. */
export function isoDay(now: Date): string {
  const part = (value: number): string => String(value).padStart(2, "0");
  return `${now.getFullYear()}-${part(now.getMonth() + 1)}-${part(now.getDate())}`;
}

export const detailsOf = (user: UserRow): Details => ({
  email: user.email,
  given_name: user.given_name,
  family_name: user.family_name,
  language: user.language,
  expires_on: user.expires_on ?? null,
  role: user.role === "admin" ? "admin" : "member",
  modules: inOrder(user.modules),
});

/** Only what differs is sent, so that two who edit at once do not undo each other. */
export function changesOf(before: Details, wanted: Details): Partial<Details> {
  const differs = (field: keyof Details): boolean =>
    field === "modules"
      ? before.modules.join() !== wanted.modules.join()
      : (before[field] ?? null) !== (wanted[field] ?? null);
  return Object.fromEntries(FIELDS.filter(differs).map((field) => [field, wanted[field]]));
}

/** The domain of an address is not among those of the company. */
export function isForeign(email: string, domains: readonly string[]): boolean {
  const at = email.lastIndexOf("@");
  if (at < 0 || domains.length === 0) return false;
  return !domains.includes(email.slice(at + 1).trim().toLowerCase());
}

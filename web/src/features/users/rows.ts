/** A company's people, as the table shows them. Pure. */
import type { Reply } from "@/lib/api";
import { moduleName, MODULES } from "@/lib/names-words";

export type UserPage = Reply<"/users">;
export type UserRow = UserPage["items"][number];

/** Always in the same order, whoever ticked what first. */
export const moduleNames = (user: UserRow): string =>
  MODULES.filter((module) => user.modules.includes(module)).map(moduleName).join(", ");

export const fullName = (user: UserRow): string => `${user.given_name} ${user.family_name}`.trim() || user.email;

/** Who has never been in gets an invitation, again and again if need be. */
export function invitationWord(user: UserRow): "invite" | "again" | null {
  if (!["created", "invited"].includes(user.state)) return null;
  return user.invitation.state === "none" ? "invite" : "again";
}

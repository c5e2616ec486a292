/** What the portal says of contacts. */
import type { Reply } from "@/lib/api";

export type Contact = Reply<"/contacts">["items"][number];
export type Side = Contact["side"];
export type Approval = Reply<"/contacts/approvals">["items"][number];
export type Conflict = Reply<"/contacts/operator/conflicts">["items"][number];

/** What people edit. */
export type Field =
  | "given_name"
  | "family_name"
  | "organisation"
  | "roles"
  | "email"
  | "phone"
  | "mobile"
  | "hours"
  | "languages";
export type Details = Pick<Contact, Field>;

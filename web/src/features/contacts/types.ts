/** What the portal says of contacts. */

export type Side = "operator" | "customer";

export type Details = {
  given_name: string;
  family_name: string;
  organisation: string | null;
  roles: string[];
  email: string | null;
  phone: string | null;
  mobile: string | null;
  hours: string | null;
  languages: string[];
};
export type Field = keyof Details;

export type Change = {
  id: string;
  kind: "create" | "update" | "remove";
  changes: Partial<Details>;
  requested_at: string;
  requested_by: string;
};

export type Contact = Details & {
  id: string;
  side: Side;
  deputy_of: string | null;
  confirmed_at: string | null;
  confirmed_by: string | null;
  due: boolean;
  pending: Change | null;
  version: number;
};
export type ContactPage = { items: Contact[]; next_cursor: string | null };

export type Review = { due: Contact[]; gaps: string[] };

export type Approval = Change & { contact: Contact };
export type ApprovalPage = { items: Approval[]; next_cursor: string | null };

export type Conflict = {
  id: string;
  contact: Contact;
  customer_number: string | null;
  theirs: Partial<Details>;
  received_at: string;
};
export type ConflictPage = { items: Conflict[]; next_cursor: string | null };

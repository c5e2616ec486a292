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
type Person = { id: string; name: string };

export type Pending = {
  id: string;
  kind: "create" | "change" | "remove";
  changes: Partial<Details>;
  requested_at: string;
  requested_by: string;
};
type Decision = { approved: boolean; reason: string | null; decided_at: string; decided_by: string };

export type Contact = Details & {
  id: string;
  version: number;
  side: Side;
  state: "active" | "pending" | "rejected";
  name: string;
  phone_e164: string | null;
  mobile_e164: string | null;
  deputy_of: Person | null;
  deputies: Person[];
  everybody: boolean;
  editable: boolean;
  changed_at: string;
  changed_by: string | null;
  confirmed_at: string | null;
  confirmed_by: string | null;
  review_due: boolean;
  pending: Pending | null;
  decision: Decision | null;
};
export type ContactPage = { items: Contact[]; next_cursor: string | null };

export type Approval = Pending & {
  contact_id: string;
  customer_number: string | null;
  customer_name: string | null;
  current: Details | null;
};
export type ApprovalPage = { items: Approval[]; next_cursor: string | null };

export type Conflict = {
  id: string;
  contact_name: string;
  customer_number: string | null;
  customer_name: string | null;
  said_at: string;
  ours_at: string | null;
  ours_by: string | null;
  differences: { field: string; ours: unknown; theirs: unknown }[];
};
export type ConflictPage = { items: Conflict[]; next_cursor: string | null };

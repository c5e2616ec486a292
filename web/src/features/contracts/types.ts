/** What the portal says of contracts. */

export const STATES = ["active", "cancelled", "upcoming", "ended"] as const;
export type State = (typeof STATES)[number];

export type Statutory = { earliest_end_on: string; basis: string };

export type Position = {
  number: string;
  quantity: number;
  unit: string;
  product: string;
  telecom_service: boolean;
  characteristics: Record<string, unknown>;
  starts_on: string | null;
  ends_on: string | null;
  earliest_end_on: string | null;
  statutory: Statutory | null;
};

export type Contract = {
  id: string;
  number: string;
  name: string;
  site: string | null;
  cost_centre: string | null;
  signed_on: string | null;
  state: State;
  starts_on: string;
  min_term_months: number | null;
  min_term_ends_on: string | null;
  current_term_ends_on: string | null;
  renewal_months: number;
  earliest_end_on: string | null;
  last_notice_day: string | null;
  statutory: Statutory | null;
  cancelled_on: string | null;
  ends_on: string | null;
  charged_until: string | null;
  positions: Position[];
  basis: string;
};
export type ContractPage = { items: Contract[]; next_cursor: string | null };

export type Deadline = {
  contract_id: string;
  number: string;
  name: string;
  kind: string;
  on: string;
  earliest_end_on: string | null;
};
export type DeadlinePage = { items: Deadline[]; next_cursor: string | null };

/** What the portal says of contracts. */
import type { Reply } from "@/lib/api";

export type ContractPage = Reply<"/contracts">;
export type Contract = ContractPage["items"][number];
export type Position = Contract["positions"][number];
export type State = Contract["state"];
export const STATES: readonly State[] = ["active", "cancelled", "upcoming", "ended"];

export type Deadline = Reply<"/contracts/calendar">["items"][number];
export type Feed = Reply<"/contracts/calendar/token">;
export type Address = Reply<"/contracts/calendar/token", "post">;

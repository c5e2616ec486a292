/** What the exchange drive is made of. */
import type { Reply } from "@/lib/api";

export type Listing = Reply<"/exchange/entries">;
export type Entry = Listing["items"][number];
export type Step = Listing["path"][number];
export type Totals = Listing["totals"];
export type Side = Entry["side"];
export type Scan = NonNullable<Entry["scan"]>;
export type Version = Reply<"/exchange/files/{file_id}/versions">[number];
export type Usage = Reply<"/exchange/usage">;

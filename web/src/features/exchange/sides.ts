/** Who stands behind a side, for the reader. */
import { brand } from "@/lib/brand.svelte";
import { session } from "@/lib/session.svelte";

import type { Side } from "@/features/exchange/types";

export const sideName = (side: Side): string =>
  side === "operator" ? brand.current.short_name : (session.current?.customer?.name ?? "");

export const mySide = (): Side => (session.isOperator ? "operator" : "customer");

/** What the list of entries says. Pure. */
import { SHOWN, type Shown } from "@/lib/fetch-file";
import { number, size } from "@/lib/format";

import type { Entry, Side, Totals, Usage } from "@/features/exchange/types";
import { t } from "@/features/exchange/words";

export const SORTS = ["name", "-name", "size", "-size", "changed_at", "-changed_at"] as const;
export type Sort = (typeof SORTS)[number];
export type Column = "name" | "size" | "changed_at";

export const asSort = (text: string | null): Sort => SORTS.find((sort) => sort === text) ?? "name";

/** The first click on a column: names from A, sizes from the largest, times from the newest; the next turns it round. */
export function nextSort(sort: Sort, column: Column): Sort {
  const usual: Sort = column === "name" ? "name" : `-${column}`;
  const other: Sort = column === "name" ? "-name" : column;
  return sort === usual ? other : usual;
}

export function direction(sort: Sort, column: Column): "ascending" | "descending" | undefined {
  if (sort === column) return "ascending";
  return sort === `-${column}` ? "descending" : undefined;
}

/** "2 Ordner und 1 Datei, 1 MB" */
export function totalsText({ folders, files, bytes }: Totals): string {
  const some = [
    folders === 1 ? t("folders_one") : folders > 1 ? t("folders_many", { count: number(folders) }) : "",
    files === 1 ? t("files_one") : files > 1 ? t("files_many", { count: number(files) }) : "",
  ].filter(Boolean);
  const [one, other] = some;
  if (one === undefined) return t("nothing");
  return t("totals", { what: other === undefined ? one : t("and", { one, other }), size: size(bytes) });
}

/** Not handed out: not yet, never, or, for what could not be scanned, only to whoever says that they know. */
export const isLocked = (entry: Pick<Entry, "held_back" | "scan">, unscannable: Usage["unscannable"]): boolean =>
  entry.held_back && !needsWord(entry, unscannable);
export const needsWord = (entry: Pick<Entry, "held_back" | "scan">, unscannable: Usage["unscannable"]): boolean =>
  entry.held_back && entry.scan === "unscannable" && unscannable === "acknowledge";

/** Larger ones would fill the browser's memory. */
const MOST_SHOWN = 100_000_000;

/** As what the page can show it; nothing when it is only for downloading. */
export function shownAs(entry: Pick<Entry, "kind" | "media_type" | "size" | "held_back">): Shown | undefined {
  if (entry.kind !== "file" || entry.held_back || entry.size > MOST_SHOWN) return undefined;
  return SHOWN.find((type) => type === entry.media_type);
}

/** From the other side, and nobody here has opened it. */
export const isNew = (entry: Pick<Entry, "kind" | "side" | "read_by_other_side_at">, mine: Side): boolean =>
  entry.kind === "file" && entry.side !== mine && !entry.read_by_other_side_at;

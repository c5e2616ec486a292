import { expect, test } from "vitest";

import { readPicked } from "@/features/exchange/dropped";
import { asSort, direction, isLocked, isNew, needsWord, nextSort, shownAs, totalsText } from "@/features/exchange/entries";
import { nameFlaw } from "@/features/exchange/name-flaws";
import { linesOf, step } from "@/features/exchange/tree";
import { isSame } from "@/features/exchange/unfinished";

const NBSP = "\u00a0";
const plain = (text: string): string => text.replaceAll(NBSP, " ");

test.each([
  [{ folders: 2, files: 1, bytes: 1_000_000 }, "2 Ordner und 1 Datei, 1 MB"],
  [{ folders: 1, files: 0, bytes: 0 }, "1 Ordner, 0 Byte"],
  [{ folders: 0, files: 1200, bytes: 3_500_000_000 }, "1.200 Dateien, 3,5 GB"],
  [{ folders: 0, files: 0, bytes: 0 }, "Leer"],
])("totals %j", (totals, text) => expect(plain(totalsText(totals))).toBe(text));

test("a column is sorted as one expects first, and turned round by the next click", () => {
  expect(nextSort("name", "name")).toBe("-name");
  expect(nextSort("-name", "size")).toBe("-size");
  expect(nextSort("-size", "size")).toBe("size");
  expect(nextSort("size", "changed_at")).toBe("-changed_at");
  expect(direction("-size", "size")).toBe("descending");
  expect(direction("size", "name")).toBeUndefined();
  expect(asSort("owner; drop table")).toBe("name");
});

const file = { kind: "file", media_type: "application/pdf", size: 10, held_back: false } as const;

test("only what is harmless, small and of a known kind is shown in the page", () => {
  expect(shownAs(file)).toBe("application/pdf");
  expect(shownAs({ ...file, held_back: true })).toBeUndefined();
  for (const media_type of ["text/html", "image/svg+xml", "application/xhtml+xml"]) {
    expect(shownAs({ ...file, media_type })).toBeUndefined();
  }
  expect(shownAs({ ...file, size: 200_000_000 })).toBeUndefined();
});

test("what is held back is locked, but for what the reader may ask for all the same", () => {
  const unscannable = { held_back: true, scan: "unscannable" } as const;
  expect([isLocked(unscannable, "acknowledge"), needsWord(unscannable, "acknowledge")]).toEqual([false, true]);
  expect([isLocked(unscannable, "refuse"), needsWord(unscannable, "refuse")]).toEqual([true, false]);
  expect(isLocked({ held_back: true, scan: "infected" }, "acknowledge")).toBe(true);
  expect(isLocked({ held_back: false, scan: "clean" }, "acknowledge")).toBe(false);
});

test("new is what the other side brought and nobody here has opened", () => {
  const entry = { kind: "file", side: "operator", read_by_other_side_at: null } as const;
  expect(isNew(entry, "customer")).toBe(true);
  expect(isNew(entry, "operator")).toBe(false);
  expect(isNew({ ...entry, read_by_other_side_at: "2026-11-23T08:00:00Z" }, "customer")).toBe(false);
  expect(isNew({ ...entry, kind: "folder" }, "customer")).toBe(false);
});

const chosen = (path: string): File => {
  const made = new File(["x"], path.split("/").at(-1) ?? "");
  Object.defineProperty(made, "webkitRelativePath", { value: path });
  return made;
};

test("a chosen folder names each folder once, parents first, without the system's litter", () => {
  const haul = readPicked(["a/b/c.txt", "a/b/d.txt", "a/.DS_Store", "a/e.txt"].map(chosen));

  expect(haul.folders).toEqual([["a"], ["a", "b"]]);
  expect(haul.files.map(({ file: { name }, folders }) => [...folders, name].join("/"))).toEqual([
    "a/b/c.txt",
    "a/b/d.txt",
    "a/e.txt",
  ]);
});

test("an upload goes on only with the very same file", () => {
  const known = { name: "cdr.csv", size: 4, modified: 1000 };
  expect(isSame(new File(["abcd"], "cdr.csv", { lastModified: 1000 }), known)).toBe(true);
  expect(isSame(new File(["abcd"], "cdr.csv", { lastModified: 1001 }), known)).toBe(false);
  expect(isSame(new File(["abcde"], "cdr.csv", { lastModified: 1000 }), known)).toBe(false);
  expect(isSame(new File(["abcd"], "other.csv", { lastModified: 1000 }), known)).toBe(false);
});

test("arrow keys walk the tree as on the desktop", () => {
  const top = { id: "0", name: "Austausch" };
  const [a, b] = [{ id: "a", name: "A" }, { id: "b", name: "B" }];
  const children = new Map([["0", [a, b]], ["a", [{ id: "c", name: "C" }]]]);
  const lines = linesOf(top, children, new Set(["0", "a"]));

  expect(lines.map(({ id, level }) => `${id}${level}`)).toEqual(["01", "a2", "c3", "b2"]);
  expect(step(lines, "a", "ArrowDown")).toEqual({ to: "c" });
  expect(step(lines, "c", "ArrowLeft")).toEqual({ to: "a" });
  expect(step(lines, "a", "ArrowLeft")).toEqual({ close: "a" });
  expect(step(lines, "b", "ArrowRight")).toEqual({ open: "b" });
  expect(step(lines, "0", "ArrowUp")).toEqual({});
  expect(step(lines, "0", "End")).toEqual({ to: "b" });
  expect(step(lines, "a", "x")).toBeUndefined();
});

test("what is wrong with a name is said in the reader's language", () => {
  expect(nameFlaw("Value error, must not have a slash")).toBe("Der Name darf keinen Schrägstrich enthalten.");
  expect(nameFlaw("something new")).toBe("something new");
});

import { beforeEach, expect, test } from "vitest";

import { cell, concerned, csvOf, sees, totals } from "@/features/users/access";
import type { UserRow } from "@/features/users/rows";
import { language } from "@/lib/i18n.svelte";

const person = (given_name: string, changes: Partial<UserRow> = {}): UserRow =>
  ({ given_name, family_name: "Beispiel", email: `${given_name}@firma.example`, role: "member", modules: [], state: "active", ...changes }) as UserRow;
const ZOE = person("Zoe", { role: "admin" });
const ANN = person("Ann", { modules: ["invoices"] });
const OUT = person("Otto", { modules: ["graphs"], state: "deactivated" });

beforeEach(() => {
  language.current = "de";
});

test("who is deactivated sees nothing, an admin everything, a member what was given", () => {
  expect(concerned([ZOE, OUT, ANN])).toEqual([ANN, ZOE]);
  expect([sees(ZOE, "graphs"), sees(ANN, "graphs"), sees(ANN, "invoices")]).toEqual([true, false, true]);
  expect(totals([ANN, ZOE])).toEqual([2, 1, 1, 1, 1, 1]);
});

test.each([
  ["=1+1", "'=1+1"],
  ["+49", "'+49"],
  ["-x", "'-x"],
  ["@x", "'@x"],
  ['a"b', '"a""b"'],
  ["a;b", '"a;b"'],
  ["Müller", "Müller"],
])("the cell %j is written %j", (text, written) => {
  expect(cell(text)).toBe(written);
});

test("the file has a line for each person and a column for each app", () => {
  const words = { name: "Name", email: "E-Mail", role: "Rolle", state: "Stand", yes: "ja", of: (user: UserRow) => [user.role, user.state] };
  const lines = csvOf([ANN], words).split("\r\n");
  expect(lines[0]).toBe("\uFEFFName;E-Mail;Rolle;Stand;Rechnungen;Einzelverbindungen;Austausch;Graphen;Verträge;Ansprechpartner");
  expect(lines[1]).toBe("Ann Beispiel;Ann@firma.example;member;active;ja;;;;;");
});

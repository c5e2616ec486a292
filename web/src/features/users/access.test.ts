import { beforeEach, expect, test } from "vitest";

import { cell, csvOf, sees, totals, type Person } from "@/features/users/access";
import { language } from "@/lib/i18n.svelte";

const ALL = ["invoices", "call_records", "exchange", "graphs", "contracts", "contacts"];
const person = (name: string, role: string, modules: string[]): Person => ({
  id: name,
  name: `${name} Beispiel`,
  email: `${name}@firma.example`,
  role,
  state: "active",
  modules,
});
const ZOE = person("Zoe", "admin", ALL);
const ANN = person("Ann", "member", ["invoices"]);

beforeEach(() => {
  language.current = "de";
});

test("an admin sees everything, a member what was given", () => {
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
  const words = { name: "Name", email: "E-Mail", role: "Rolle", state: "Stand", yes: "ja", of: (one: Person) => [one.role, one.state] };
  const lines = csvOf([ANN], words).split("\r\n");
  expect(lines[0]).toBe("\uFEFFName;E-Mail;Rolle;Stand;Rechnungen;Einzelverbindungen;Austausch;Graphen;Verträge;Ansprechpartner");
  expect(lines[1]).toBe("Ann Beispiel;Ann@firma.example;member;active;ja;;;;;");
});

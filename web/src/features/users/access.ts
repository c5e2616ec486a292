/** Who may see what: one line for each person, one column for each app. Pure. */
import { moduleName, MODULES, type Module } from "@/lib/names-words";

import type { Matrix } from "@/features/users/calls";

export type Person = Matrix["people"][number];

export const sees = (person: Person, module: Module): boolean => person.modules.includes(module);

/** How many can open each app. */
export const totals = (people: Person[]): number[] =>
  MODULES.map((module) => people.filter((person) => sees(person, module)).length);

/** A cell that a spreadsheet would take for a formula begins with an apostrophe. */
export function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[";\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

type Words = { name: string; email: string; role: string; state: string; yes: string; of: (person: Person) => string[] };

/** As a spreadsheet of this country opens it: semicolons, and a mark that says UTF-8. */
export function csvOf(people: Person[], words: Words): string {
  const head = [words.name, words.email, words.role, words.state, ...MODULES.map(moduleName)];
  const lines = people.map((person) => [
    person.name,
    person.email,
    ...words.of(person),
    ...MODULES.map((module) => (sees(person, module) ? words.yes : "")),
  ]);
  return `\uFEFF${[head, ...lines].map((line) => line.map(cell).join(";")).join("\r\n")}\r\n`;
}

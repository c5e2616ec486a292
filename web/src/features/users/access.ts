/** Who may see what: one line for each person, one column for each app. Pure. */
import { moduleName, MODULES, type Module } from "@/lib/names-words";

import { fullName, type UserRow } from "@/features/users/rows";

/** People who can get in, or will: whoever is deactivated sees nothing. */
export const concerned = (users: UserRow[]): UserRow[] =>
  users.filter((user) => user.state !== "deactivated").sort((a, b) => fullName(a).localeCompare(fullName(b)));

export const sees = (user: UserRow, module: Module): boolean => user.role === "admin" || user.modules.includes(module);

/** How many can open each app. */
export const totals = (users: UserRow[]): number[] =>
  MODULES.map((module) => users.filter((user) => sees(user, module)).length);

/** A cell that a spreadsheet would take for a formula begins with an apostrophe. */
export function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[";\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

type Words = { name: string; email: string; role: string; state: string; yes: string; of: (user: UserRow) => string[] };

/** As a spreadsheet of this country opens it: semicolons, and a mark that says UTF-8. */
export function csvOf(users: UserRow[], words: Words): string {
  const head = [words.name, words.email, words.role, words.state, ...MODULES.map(moduleName)];
  const lines = users.map((user) => [
    fullName(user),
    user.email,
    ...words.of(user),
    ...MODULES.map((module) => (sees(user, module) ? words.yes : "")),
  ]);
  return `\uFEFF${[head, ...lines].map((line) => line.map(cell).join(";")).join("\r\n")}\r\n`;
}

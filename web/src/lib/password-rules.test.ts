import { expect, test } from "vitest";

import { isMet } from "@/lib/password-rules";

const USERNAME = "jan.muster@firma.example";

test.each([
  ["length", "1234567", false],
  ["length", "12345678", true],
  ["length", "a".repeat(256), true],
  ["length", "a".repeat(257), false],
  ["length", "\u{1F600}".repeat(8), true],
  ["digit", "abc", false],
  ["digit", "abc٣", true],
  ["special", "abc 123", false],
  ["special", "abcä1", false],
  ["special", "abc_1", true],
  ["special", "abc€1", true],
  ["username", "", false],
  ["username", "Jan.Muster-2026", false],
  ["username", "etwas-anderes-7", true],
  ["common", "Passwort1!", null],
] as const)("%s with %j: %s", (rule, password, met) => {
  expect(isMet(rule, password, USERNAME)).toBe(met);
});

test("a short local part may appear in the password", () => {
  expect(isMet("username", "banane-7", "an@firma.example")).toBe(true);
});

test("letters are counted as people see them, however they were typed", () => {
  expect(isMet("length", "u\u0308".repeat(7), USERNAME)).toBe(false);
});

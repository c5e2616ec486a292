import { expect, test } from "vitest";

import { dictionary, fill, language, type Phrase } from "@/lib/i18n.svelte";

const modules = import.meta.glob<Record<string, unknown>>(["/src/**/*words.ts", "/src/lib/problem.ts"], { eager: true });

const phrases = Object.entries(modules).flatMap(([file, exported]) =>
  Object.values(exported)
    .filter((value) => typeof value === "function" && "words" in value)
    .flatMap((value) => Object.entries((value as unknown as { words: Record<string, Phrase> }).words))
    .map(([key, phrase]) => [file, key, phrase] as const),
);

const names = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "").sort();

test("the dictionaries are found", () => {
  expect(phrases.length).toBeGreaterThan(150);
});

test.each(phrases)("%s %s is complete in both languages", (_file, _key, [de, en]) => {
  expect(de.trim()).toBe(de);
  expect(en.trim()).toBe(en);
  expect(de).not.toBe("");
  expect(en).not.toBe("");
  expect(names(en)).toEqual(names(de));
});

test.each(phrases)("%s %s: the English is English, the German says Sie", (_file, _key, [de, en]) => {
  expect(en).not.toMatch(/[äöüßÄÖÜ„]/);
  expect(de).not.toMatch(/\b(du|dein|deine|dich|dir)\b/i);
});

test("a dictionary speaks the reader's language and fills in the values", () => {
  const t = dictionary({ hello: ["Guten Tag, {name}", "Hello, {name}"] });

  language.current = "en";
  expect(t("hello", { name: "Anna" })).toBe("Hello, Anna");
  language.current = "de";
  expect(t("hello", { name: "Anna" })).toBe("Guten Tag, Anna");
});

test("a value is never read as a placeholder", () => {
  expect(fill("{a} {b}", { a: "{b}", b: "2" })).toBe("{b} 2");
});

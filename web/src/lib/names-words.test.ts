import { beforeEach, expect, test } from "vitest";

import { language } from "@/lib/i18n.svelte";
import { documentName } from "@/lib/names-words";

beforeEach(() => {
  language.current = "de";
});

test("an invoice is called by its number, what accompanies it by its title", () => {
  expect(documentName({ kind: "invoice", number: "RE-2026-0001", title: "Rechnung" })).toBe("Rechnung RE-2026-0001");
  expect(documentName({ kind: "credit_note", number: "GS-7", title: "" })).toBe("Gutschrift GS-7");
  const calls = { kind: "call_records", number: "call_records-RE-2026-0001", title: "Einzelverbindungsnachweis 2026-10" };
  expect(documentName(calls)).toBe("Einzelverbindungsnachweis 2026-10");
  expect(documentName({ kind: "letter", number: "B-7", title: "" })).toBe("Schreiben B-7");
  expect(documentName({ kind: "letter", number: null, title: "Preisanpassung" })).toBe("Preisanpassung");
});

import { beforeEach, expect, test } from "vitest";

import { language } from "@/lib/i18n.svelte";

import {
  approvalName,
  byRole,
  changesOf,
  differences,
  inWords,
  isGap,
  isSensitive,
  monthsSince,
  numbersOf,
  readForm,
  refusalOf,
  roleName,
  ROLES,
  wantedOf,
} from "@/features/contacts/people";
import type { Contact } from "@/features/contacts/types";

beforeEach(() => {
  language.current = "de";
});

const contact = (changes: Partial<Contact> = {}): Contact => ({
  id: "c",
  version: 1,
  side: "customer",
  state: "active",
  name: "Clara Netz",
  given_name: "Clara",
  family_name: "Netz",
  organisation: null,
  roles: ["technical"],
  email: "clara@firma.example",
  phone: "030 23125-201",
  phone_e164: "+493023125201",
  mobile: null,
  mobile_e164: null,
  hours: null,
  languages: ["de"],
  deputy_of: null,
  deputies: [],
  everybody: false,
  editable: true,
  changed_at: "2026-01-01T00:00:00Z",
  changed_by: null,
  confirmed_at: null,
  confirmed_by: null,
  review_due: false,
  review_due_on: null,
  pending: null,
  decision: null,
  ...changes,
});

const pending = (changes: Partial<Contact>): Contact["pending"] => ({
  id: "a",
  kind: "change",
  changes,
  requested_at: "2026-11-20T09:00:00Z",
  requested_by: "Anna",
});

test("every role is there, also one that nobody has, and one that nobody knows comes last", () => {
  const groups = byRole([contact(), contact({ id: "d", roles: ["technical", "gardener"] })], ROLES);
  expect(groups.map(({ role }) => role)).toEqual([...ROLES, "gardener"]);
  expect(groups.find(({ role }) => role === "technical")?.people.map(({ id }) => id)).toEqual(["c", "d"]);
  expect(groups.filter(isGap).map(({ role }) => role)).toEqual(ROLES.filter((role) => role !== "technical"));
  expect(roleName("gardener")).toBe("gardener");
});

test("who waits for approval fills no gap", () => {
  const waiting = contact({ roles: ["site_access"], state: "pending" });
  expect(byRole([waiting], ["site_access"]).filter(isGap)).toHaveLength(1);
});

test("only the customer's roles of money and doors are protected", () => {
  expect(isSensitive({ side: "customer", roles: ["technical", "site_access"] })).toBe(true);
  expect(isSensitive({ side: "customer", roles: ["technical"] })).toBe(false);
  expect(isSensitive({ side: "operator", roles: ["invoices"] })).toBe(false);
});

test("whole months count", () => {
  const now = new Date("2026-11-23T12:00:00Z");
  expect(monthsSince("2025-09-23T10:00:00Z", now)).toBe(14);
  expect(monthsSince("2025-09-24T10:00:00Z", now)).toBe(13);
});

test("only what differs is sent; the order of roles and blanks at the ends say nothing", () => {
  const before = wantedOf(contact({ roles: ["technical", "abuse"] }));
  const form = new FormData();
  const fields = { given_name: " Clara ", family_name: "Netz", email: "neu@firma.example", phone: "030 23125-201", mobile: "" };
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  for (const role of ["abuse", "technical"]) form.append("roles", role);
  form.append("languages", "de");
  expect(changesOf(before, readForm(form))).toEqual({ email: "neu@firma.example" });
});

test("a form begins with what was asked for already", () => {
  const waiting = contact({ pending: pending({ email: "neu@firma.example" }) });
  expect(wantedOf(waiting).email).toBe("neu@firma.example");
  expect(wantedOf(waiting).phone).toBe("030 23125-201");
});

test("differences are said in words, field by field", () => {
  expect(differences(contact(), { roles: ["invoices"], mobile: "0151 1", phone: "030 23125-201" })).toEqual([
    { field: "roles", label: "Rollen", before: "Technik", after: "Rechnungsempfang" },
    { field: "mobile", label: "Mobil", before: "–", after: "0151 1" },
  ]);
  expect(inWords("languages", ["de", "en-GB", "sv"])).toBe("Deutsch, Englisch, sv");
  expect(inWords("removed", true)).toBe("ja");
});

test("a refusal is shown until somebody has done something since", () => {
  const decision = { approved: false, reason: "Nicht erreicht.", decided_at: "2026-06-01T00:00:00Z", decided_by: "Op" };
  expect(refusalOf(contact({ decision }))?.reason).toBe("Nicht erreicht.");
  expect(refusalOf(contact({ decision, confirmed_at: "2026-06-02T00:00:00Z" }))).toBeUndefined();
  expect(refusalOf(contact({ decision, changed_at: "2026-06-02T00:00:00Z" }))).toBeUndefined();
  expect(refusalOf(contact({ decision, pending: pending({}) }))).toBeUndefined();
  expect(refusalOf(contact({ decision: { ...decision, approved: true } }))).toBeUndefined();
});

test("numbers are shown as written and dialled as a telephone does", () => {
  expect(numbersOf(contact({ mobile: "0151 (555) 1" }))).toEqual([
    { kind: "phone", text: "030 23125-201", dial: "tel:+493023125201" },
    { kind: "mobile", text: "0151 (555) 1", dial: "tel:01515551" },
  ]);
});

test("an approval is called after who it is about, also when they are new", () => {
  const current = { given_name: "Alt", family_name: "Bekannt", organisation: null };
  expect(approvalName({ current: null, changes: { given_name: "Neu", family_name: "Hier" } })).toBe("Neu Hier");
  expect(approvalName({ current, changes: { family_name: "Anders" } })).toBe("Alt Anders");
});

import { expect, test } from "vitest";

import { changesOf, detailsOf, hasSecondFactor, invitationWord, isForeign, isOver, isoDay, isWaiting, type UserRow } from "@/features/users/rows";

const row = (changes: Partial<UserRow> = {}): UserRow =>
  ({
    id: "1",
    version: 3,
    email: "nora.neu@firma.example",
    username: "nora.neu@firma.example",
    given_name: "Nora",
    family_name: "Neu",
    language: "de",
    role: "member",
    modules: ["graphs", "invoices"],
    state: "created",
    created_at: "2026-11-01T08:00:00Z",
    password_set_at: null,
    second_factor_at: null,
    last_login_at: null,
    expires_on: null,
    invitation: { state: "none", sent_at: null, opened_at: null, error: null },
    ...changes,
  }) as UserRow;
const invitation = (state: UserRow["invitation"]["state"]) => ({ state, sent_at: null, opened_at: null, error: null });

test("only what differs is sent; the order of the apps is no difference", () => {
  const before = detailsOf(row());
  expect(changesOf(before, { ...before, modules: ["invoices", "graphs"] })).toEqual({});
  expect(changesOf(before, { ...before, family_name: "Neumann", expires_on: "2099-12-31" })).toEqual({
    family_name: "Neumann",
    expires_on: "2099-12-31",
  });
  expect(changesOf({ ...before, expires_on: "2099-12-31" }, before)).toEqual({ expires_on: null });
  expect(changesOf(before, { ...before, modules: ["invoices"] })).toEqual({ modules: ["invoices"] });
});

test.each([
  ["none", "created", "invite"],
  ["sent", "invited", "again"],
  ["refused", "invited", "again"],
  ["expired", "invited", "again"],
  ["used", "password_set", null],
  ["used", "active", null],
  ["sent", "deactivated", null],
] as const)("an invitation that is %s in a row that is %s offers %s", (link, state, word) => {
  expect(invitationWord(row({ state, invitation: invitation(link) }))).toBe(word);
});

test("the address is open until the link is used", () => {
  expect(isWaiting(row({ invitation: invitation("opened") }))).toBe(true);
  expect(isWaiting(row({ state: "deactivated", invitation: invitation("sent") }))).toBe(true);
  expect(isWaiting(row({ invitation: invitation("used") }))).toBe(false);
  expect(isWaiting(row({ last_login_at: "2026-11-02T08:00:00Z" }))).toBe(false);
});

test("an app is reset where there is one", () => {
  expect(["created", "invited", "password_set", "active", "locked", "deactivated"].filter((state) =>
    hasSecondFactor(row({ state: state as UserRow["state"] })),
  )).toEqual(["active", "locked"]);
});

test("the last day counts to its end", () => {
  expect(isOver(row({ expires_on: "2026-11-22" }), "2026-11-23")).toBe(true);
  expect(isOver(row({ expires_on: "2026-11-23" }), "2026-11-23")).toBe(false);
  expect(isOver(row(), "2026-11-23")).toBe(false);
  expect(isoDay(new Date(2026, 0, 5))).toBe("2026-01-05");
});

test.each([
  ["a@firma.example", ["firma.example"], false],
  ["a@FIRMA.example ", ["firma.example"], false],
  ["a@andere.example", ["firma.example"], true],
  ["a@sub.firma.example", ["firma.example"], true],
  ["a@andere.example", [], false],
  ["noch-nicht", ["firma.example"], false],
])("%s with %j is foreign: %s", (email, domains, foreign) => {
  expect(isForeign(email, domains)).toBe(foreign);
});

import { expect, test } from "vitest";

import { appsIn, personal } from "@/app/apps";
import { routeFor } from "@/app/routes";
import type { Session } from "@/lib/session.svelte";

const CUSTOMER = { id: "c", number: "KD-1", name: "Firma" };
const session = (changes: Partial<Session>): Session =>
  ({ role: "member", modules: [], customer: CUSTOMER, ...changes }) as Session;
const paths = (place: "bar" | "menu", changes: Partial<Session>) =>
  appsIn(place, session(changes)).map((app) => app.path);

test("a slash at the end is the same page, an unknown address is a page that says so", () => {
  expect(routeFor("/files/").path).toBe("/files");
  expect(routeFor("/").path).toBe("/");
  expect(routeFor("/nothing").path).toBe("");
});

test("every app has a page", () => {
  const pages = ["/files", "/graphs", "/contracts", "/contacts", "/users", "/customers", "/customers/import", "/staff", "/operator/documents"];
  for (const path of pages) expect(routeFor(path).path).toBe(path);
});

test("only the pages of the way in are open to strangers", () => {
  const open = ["/sign-in", "/invitation", "/password-reset", "/second-factor", "/email-change", "/help"];
  expect(open.every((path) => routeFor(path).open)).toBe(true);
  const own = ["/profile", "/security", "/api-tokens"];
  expect(personal.map((page) => routeFor(page.path).path)).toEqual(own);
  expect(["/", ...own, "/files", "/users", "/customers", "/staff", "/operator/documents"].some((path) => routeFor(path).open)).toBe(false);
});

test("apps follow from role, modules and the open customer", () => {
  expect(paths("bar", { modules: [] })).toEqual(["/"]);
  expect(paths("bar", { modules: ["invoices"] })).toEqual(["/", "/files"]);
  expect(paths("bar", { modules: ["call_records"] })).toEqual(["/", "/files"]);
  expect(paths("bar", { modules: ["contracts", "contacts"] })).toEqual(["/", "/contracts", "/contacts"]);
  expect(paths("menu", { role: "admin", modules: ["invoices"] })).toEqual(["/users"]);
  expect(paths("menu", { role: "operator" })).toEqual(["/staff"]);
  expect(paths("bar", { role: "operator", customer: null })).toEqual(["/customers", "/contacts", "/operator/documents"]);
  expect(paths("bar", { role: "operator" })).toEqual(["/", "/customers", "/files", "/graphs", "/contracts", "/contacts", "/users", "/operator/documents"]);
});

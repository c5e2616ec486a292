import { afterEach, expect, test, vi } from "vitest";

import { listCases } from "@/features/operator/cases";
import { subjectName } from "@/features/operator/words";

type Body = { items: object[]; next_cursor: string | null };
const asked: string[] = [];

/** The portal as these answers; a service without one is down. */
function portal(answers: Record<string, Body>): void {
  vi.stubGlobal("location", { origin: "http://portal.example" });
  vi.stubGlobal("Request", class extends Request {
    constructor(path: string | URL | Request, init?: RequestInit) {
      super(typeof path === "string" && path.startsWith("/") ? `http://portal.example${path}` : path, init);
    }
  });
  vi.stubGlobal("fetch", async (request: Request) => {
    const { pathname, searchParams } = new URL(request.url);
    const service = pathname.split("/")[3] ?? "";
    asked.push(`${service} ${searchParams.get("cursor") ?? ""}`.trim());
    const body = answers[service];
    return body ? Response.json(body) : Response.json({ code: "unavailable" }, { status: 503 });
  });
}

const letter = (id: number, received_at: string) => ({ id, subject: "s", reason: "r", detail: "", attempts: 1, received_at });
const EMPTY = { items: [], next_cursor: null };

afterEach(() => {
  vi.unstubAllGlobals();
  asked.length = 0;
});

test("dead letters of all services are one list, newest first, and each goes on from its own cursor", async () => {
  portal({
    documents: { items: [letter(1, "2026-11-01T08:00:00Z")], next_cursor: "d" },
    contracts: EMPTY,
    contacts: { items: [letter(1, "2026-11-03T08:00:00Z")], next_cursor: null },
    metrics: EMPTY,
    auth: EMPTY,
    users: { items: [letter(7, "2026-11-02T08:00:00Z")], next_cursor: "u" },
  });
  const page = await listCases("dead-letters");
  expect(page.items.map((one) => [one.service, one.id])).toEqual([["contacts", "1"], ["users", "7"], ["documents", "1"]]);
  expect(page.missing).toEqual([]);

  asked.length = 0;
  await listCases("dead-letters", page.next_cursor ?? "");
  expect(asked).toEqual(["documents d", "users u"]);
});

test("a service that is down is named; when all are, the problem is", async () => {
  portal({ documents: EMPTY, contacts: EMPTY, metrics: EMPTY, users: EMPTY, auth: EMPTY });
  expect(await listCases("dead-letters")).toEqual({ items: [], next_cursor: null, missing: ["contracts"] });

  portal({});
  await expect(listCases("mails")).rejects.toMatchObject({ status: 503 });
});

test("a mail is called by what it is about, also while it is only asked for", () => {
  expect(subjectName("second_factor_reset")).toBe("Authenticator-App zurückgesetzt");
  expect(subjectName("invitation_request")).toBe("Einladung");
  expect(subjectName("users.user.changed.v1")).toBe("users.user.changed.v1");
});

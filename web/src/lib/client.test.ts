import { expect, test } from "vitest";

import { clientOf, requestOf } from "@/lib/client";

const BASE = "https://portal.example/api/v1";

test("path, query and headers are what was said; what was left out is not sent", async () => {
  const request = requestOf("PATCH", `${BASE}/things/{id}`, {
    params: {
      path: { id: "a/b ü" },
      query: { q: "x & y", empty: undefined, none: null, kind: ["one", "two"], count: 0 },
      header: { "if-match": '"3"', "idempotency-key": undefined },
    },
    body: { name: "Müller" },
  });

  expect(request.url).toBe(`${BASE}/things/a%2Fb%20%C3%BC?q=x+%26+y&kind=one&kind=two&count=0`);
  expect(request.headers.get("if-match")).toBe('"3"');
  expect(request.headers.has("idempotency-key")).toBe(false);
  expect(request.headers.get("content-type")).toBe("application/json");
  expect(await request.json()).toEqual({ name: "Müller" });
});

test("a body of another kind goes as it is", async () => {
  const request = requestOf("POST", `${BASE}/import`, {
    body: "a;b",
    bodySerializer: (body) => body as string,
    headers: { "Content-Type": "text/csv" },
  });

  expect(request.headers.get("content-type")).toBe("text/csv");
  expect(await request.text()).toBe("a;b");
});

const answering = (body: string | null, init: ResponseInit) => {
  const client = clientOf<Record<string, { get: { responses: object } }>>(BASE, async () => new Response(body, init));
  return client.GET as unknown as (path: string) => Promise<{ data?: unknown; error?: unknown; response: Response }>;
};

test("answers are data or error, also when they are not JSON or nothing", async () => {
  expect((await answering('{"a": 1}', { status: 200 })("/x")).data).toEqual({ a: 1 });
  expect((await answering(null, { status: 204 })("/x")).data).toBeUndefined();
  expect((await answering("a;b", { status: 200 })("/x")).data).toBe("a;b");
  expect((await answering('{"code": "gone"}', { status: 410 })("/x")).error).toEqual({ code: "gone" });
  const page = await answering("<html>", { status: 502 })("/x");
  expect([page.error, page.response.status]).toEqual(["<html>", 502]);
});

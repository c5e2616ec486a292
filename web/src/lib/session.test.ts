import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { session, speak, type Session } from "@/lib/session.svelte";

const told: string[] = [];

beforeEach(() => {
  told.length = 0;
  vi.stubGlobal("Request", class extends Request {
    constructor(path: string | URL | Request, init?: RequestInit) {
      super(typeof path === "string" ? new URL(path, "http://portal.example") : path, init);
    }
  });
  vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined });
  vi.stubGlobal("fetch", async (request: Request) => {
    const { language } = (await request.json()) as { language: string };
    told.push(language);
    return Response.json({ language });
  });
});

afterEach(() => {
  session.current = null;
  vi.unstubAllGlobals();
});

test("the profile is told the language, though a session behind the times believes it knows it already", async () => {
  session.current = { user: { language: "de" } } as Session;

  await speak("de");

  expect(told).toEqual(["de"]);
});

test("of two quick changes of mind the profile keeps the last", async () => {
  session.current = { user: { language: "de" } } as Session;

  await Promise.all([speak("en"), speak("de")]);

  expect(told.at(-1)).toBe("de");
  expect(session.current?.user.language).toBe("de");
});

test("nobody's profile is told anything", async () => {
  await speak("en");

  expect(told).toEqual([]);
});

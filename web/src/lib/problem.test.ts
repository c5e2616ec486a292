import { beforeEach, expect, test } from "vitest";

import { language } from "@/lib/i18n.svelte";
import { asProblem, Problem, problemOf } from "@/lib/problem";

beforeEach(() => {
  language.current = "de";
});

const body = {
  title: "Einige Angaben sind nicht gültig.",
  detail: "Einige Angaben sind nicht gültig.",
  code: "invalid",
  errors: [{ pointer: "/email_domains/0", detail: "Das ist keine Domain." }],
  request_id: "abc",
};

test("a problem's detail that only repeats its title is not said twice", () => {
  expect(problemOf(body, new Response(null, { status: 422 })).detail).toBe("");
});

test("an error belongs to the field its pointer names", () => {
  const problem = problemOf(body, new Response(null, { status: 422 }));

  expect(problem.at("email_domains")).toBe("Das ist keine Domain.");
  expect(problem.at("email")).toBeUndefined();
});

test("an answer that is no problem document still has a sentence and its request id", () => {
  const response = new Response("<html>", { status: 502, headers: { "X-Request-Id": "r-1" } });
  const problem = problemOf("<html>", response);

  expect(problem.title).toBe("Die Antwort des Portals war nicht lesbar.");
  expect(problem.requestId).toBe("r-1");
  expect(problem.detail).not.toBe("");
});

test.each([
  ["30", "Bitte warten Sie 30 Sekunden."],
  ["600", "Bitte warten Sie 10 Minuten."],
])("a refusal with Retry-After %s says how long", (seconds, sentence) => {
  const problem = new Problem(429, { title: "Zu viele Versuche.", code: "too_many" }, new Headers({ "Retry-After": seconds }));

  expect(problem.detail).toBe(sentence);
});

test("whatever else is thrown means that the portal was not reached", () => {
  expect(asProblem(new TypeError("Failed to fetch")).code).toBe("unreachable");
});

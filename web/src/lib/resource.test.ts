import { expect, test } from "vitest";

import { Resource } from "@/lib/resource.svelte";

function later<Data>(): { answer: Promise<Data>; give: (data: Data) => void } {
  let give: (data: Data) => void = () => undefined;
  const answer = new Promise<Data>((resolve) => (give = resolve));
  return { answer, give };
}

test("an answer that began before a change does not undo it", async () => {
  const list = new Resource<string>();
  await list.load(async () => "created");
  const slow = later<string>();
  const answers = [slow.answer, Promise.resolve("invited, and more")];
  const loading = list.load(() => answers.shift() as Promise<string>);

  list.change("invited");
  slow.give("created");
  await loading;

  expect(list.data).toBe("invited, and more");
  expect(list.loading).toBe(false);
});

test("only the newest question counts", async () => {
  const list = new Resource<string>();
  const slow = later<string>();
  const first = list.load(() => slow.answer);
  await list.load(async () => "second");

  slow.give("first");
  await first;

  expect(list.data).toBe("second");
});

import { expect, test } from "vitest";

import { inkOn } from "@/lib/brand.svelte";

test.each([
  ["#0a5bd3", "#ffffff"],
  ["#6ea8ff", "#08142a"],
  ["#ffffff", "#08142a"],
  ["#000000", "#ffffff"],
  ["#ffd400", "#08142a"],
])("on %s the ink is %s", (colour, ink) => {
  expect(inkOn(colour)).toBe(ink);
});

import { expect, test } from "vitest";

import { pictureOf } from "@/lib/qr";

const read = (address: string): string => decodeURIComponent(address.replace(/^data:[^,]*,/, ""));

test("a picture has its namespace, once", () => {
  const whole = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"></svg>';

  expect(read(pictureOf('<svg viewBox="0 0 9 9"></svg>'))).toBe(whole);
  expect(read(pictureOf(whole))).toBe(whole);
});

test("nothing in a picture can end its address", () => {
  expect(pictureOf('<svg fill="#000"/>')).not.toMatch(/[#"<>]/);
});

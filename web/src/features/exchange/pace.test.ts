import { expect, test } from "vitest";

import { leftText } from "@/features/exchange/left";
import { Meter } from "@/features/exchange/pace";

test("speed is what went in the last seconds, not since the beginning", () => {
  const meter = new Meter();
  for (let second = 0; second <= 60; second++) meter.add(second * 1000, second * 1000);
  for (let second = 61; second <= 75; second++) meter.add(second * 1000, 60_000 + (second - 60) * 9000);

  expect(meter.pace(60_000 + 15 * 9000 + 90_000)).toEqual({ bytesPerSecond: 9000, secondsLeft: 10 });
});

test("nothing is said before a second was seen, nor while nothing moves", () => {
  const meter = new Meter();
  meter.add(0, 0);
  meter.add(500, 4000);
  expect(meter.pace(10_000)).toBeNull();
  const still = new Meter();
  still.add(0, 700);
  still.add(5000, 700);
  expect(still.pace(10_000)).toBeNull();
});

test("when the portal kept less than was sent, the measuring begins anew", () => {
  const meter = new Meter();
  meter.add(0, 0);
  meter.add(2000, 20_000);
  meter.add(2500, 5000);
  expect(meter.pace(50_000)).toBeNull();
  meter.add(4500, 7000);
  expect(meter.pace(8000)).toEqual({ bytesPerSecond: 1000, secondsLeft: 1 });
});

test.each([
  [0.2, "1 s"],
  [59, "59 s"],
  [61, "2 min"],
  [3600, "1 h 0 min"],
  [2 * 3600 + 59, "2 h 1 min"],
])("%d seconds are %s", (seconds, text) => expect(leftText(seconds)).toBe(text));

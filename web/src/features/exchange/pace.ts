/** How fast bytes go and how long the rest takes, from what went in the last seconds. Pure. */

const WINDOW_MS = 8000;
const LEAST_MS = 1000;

export type Pace = { bytesPerSecond: number; secondsLeft: number };

export class Meter {
  #seen: { at: number; bytes: number }[] = [];

  /** `bytes`: how far it is; less than before means that the server kept less than was sent. */
  add(at: number, bytes: number): void {
    const last = this.#seen.at(-1);
    if (last && bytes < last.bytes) this.#seen = [];
    this.#seen.push({ at, bytes });
    while (this.#seen.length > 2 && (this.#seen[1]?.at ?? at) <= at - WINDOW_MS) this.#seen.shift();
  }

  /** Nothing as long as too little was seen to say it. */
  pace(total: number): Pace | null {
    const [first, last] = [this.#seen[0], this.#seen.at(-1)];
    if (!first || !last || last.at - first.at < LEAST_MS || last.bytes === first.bytes) return null;
    const bytesPerSecond = ((last.bytes - first.bytes) * 1000) / (last.at - first.at);
    return { bytesPerSecond, secondsLeft: Math.ceil(Math.max(0, total - last.bytes) / bytesPerSecond) };
  }

  clear(): void {
    this.#seen = [];
  }
}

/** A browser's own words for itself, as people call it. Pure. */
const BROWSERS: [RegExp, string][] = [
  [/\bEdgA?\//, "Edge"],
  [/\b(OPR|Opera)\//, "Opera"],
  [/\b(Firefox|FxiOS)\//, "Firefox"],
  [/\b(HeadlessChrome|Chrome|CriOS)\//, "Chrome"],
  [/\bVersion\/.*\bSafari\//, "Safari"],
];
const SYSTEMS: [RegExp, string][] = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b/, "macOS"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bLinux\b/, "Linux"],
];

const first = (names: [RegExp, string][], said: string): string | undefined =>
  names.find(([pattern]) => pattern.test(said))?.[1];

/** Such as “Firefox, Windows”; what nobody knows is shown as it is. */
export function deviceName(said: string): string {
  const known = [first(BROWSERS, said), first(SYSTEMS, said)].filter(Boolean);
  return known.length > 0 ? known.join(", ") : said;
}

/** The password rules that can be checked while typing; the portal checks them all again. */

const SHORTEST = 8;
const LONGEST = 256;
const LOCAL_PART = 4;

type Check = (password: string, username: string) => boolean;

const CHECKS: Record<string, Check> = {
  length: (password) => [...password].length >= SHORTEST && [...password].length <= LONGEST,
  digit: (password) => /\p{Nd}/u.test(password),
  special: (password) => /[^\p{L}\p{M}\p{N}\s]/u.test(password),
  username: (password, username) => {
    const name = username.toLowerCase();
    const local = name.split("@")[0] ?? "";
    const text = password.toLowerCase();
    return text !== "" && !text.includes(name) && !(local.length >= LOCAL_PART && text.includes(local));
  },
};

/** true or false, or null where only the portal knows (the list of common passwords). */
export function isMet(id: string, password: string, username: string): boolean | null {
  return CHECKS[id]?.(password.normalize("NFC"), username) ?? null;
}

/** The reader's language and the typed dictionaries. German first; both languages stand side by side, so none can miss. */

export type Language = "de" | "en";
export type Phrase = readonly [de: string, en: string];

type Names<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;
type Values<Pair extends Phrase> = [Names<Pair[0]>] extends [never] ? [] : [Record<Names<Pair[0]>, string | number>];
type SameNames<Pair extends Phrase> = [Names<Pair[0]>, Names<Pair[1]>] extends [Names<Pair[1]>, Names<Pair[0]>]
  ? Pair
  : never;

const KEY = "language";

function remembered(): Language | null {
  const stored = globalThis.localStorage?.getItem(KEY);
  return stored === "de" || stored === "en" ? stored : null;
}

class Reader {
  current = $state.raw<Language>(remembered() ?? "de");

  /** The reader's own variant of the language, as the browser names it, so that dates look as at home. */
  get locale(): string {
    const own = globalThis.navigator?.languages?.find((tag) => tag.split("-")[0] === this.current && tag.includes("-"));
    return own ?? (this.current === "de" ? "de-DE" : "en-GB");
  }

  /** Said in this browser, not merely adopted from a profile. */
  get chosen(): Language | null {
    return remembered();
  }

  choose(language: Language): void {
    localStorage.setItem(KEY, language);
    this.current = language;
  }

  /** The language of the profile counts only where nobody has chosen in this browser. */
  adopt(language: Language): void {
    this.current = remembered() ?? language;
  }
}

export const language = new Reader();

export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

/** A dictionary of one part of the app. A key that does not exist, or a missing value, is a type error. */
export function dictionary<const Words extends Record<string, Phrase>>(words: {
  [Key in keyof Words]: Words[Key] & SameNames<Words[Key]>;
}) {
  const translate = <Key extends keyof Words>(key: Key, ...values: Values<Words[Key]>): string => {
    const [de, en] = words[key];
    return fill(language.current === "de" ? de : en, values[0] ?? {});
  };
  return Object.assign(translate, { words: words as Record<string, Phrase> });
}

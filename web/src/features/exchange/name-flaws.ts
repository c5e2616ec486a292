/** What is wrong with a name, in the reader's language: the portal says it in English only. */
import { dictionary } from "@/lib/i18n.svelte";

const t = dictionary({
  "must not have control characters": ["Der Name darf keine Steuerzeichen enthalten.", "The name must not have control characters."],
  "must not be empty": ["Der Name darf nicht leer sein.", "The name must not be empty."],
  "must not have a slash": ["Der Name darf keinen Schrägstrich enthalten.", "The name must not have a slash."],
  "must not end with a dot or a space": [
    "Der Name darf nicht mit einem Punkt oder Leerzeichen enden.",
    "The name must not end with a dot or a space.",
  ],
  "must not have characters that turn the reading direction": [
    "Der Name darf keine Zeichen enthalten, die die Leserichtung umkehren.",
    "The name must not have characters that turn the reading direction.",
  ],
  "must not be longer than 255 bytes": ["Der Name ist zu lang: höchstens 255 Byte.", "The name is too long: at most 255 bytes."],
  "is a name that Windows keeps for itself": [
    "Diesen Namen behält Windows für sich; bitte wählen Sie einen anderen.",
    "Windows keeps this name for itself; please choose another one.",
  ],
});
type Known = Parameters<typeof t>[0];

/** The sentence for a detail of an answer; one that is not known stays as it is. */
export function nameFlaw(detail: string): string {
  const known = Object.keys(t.words).find((words) => detail.endsWith(words));
  return known ? t(known as Known) : detail;
}

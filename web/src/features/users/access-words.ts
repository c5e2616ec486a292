/** Words of "who may see what". */
import { dictionary } from "@/lib/i18n.svelte";

export const t = dictionary({
  access: ["Wer darf was sehen", "Who may see what"],
  access_sub: [
    "Alle, die hineinkommen oder eingeladen sind, mit ihren Apps. Prüfen Sie das einmal im Quartal: Ist noch jeder da, und braucht jeder, was er sieht?",
    "Everybody who can get in or is invited, with their apps. Check this once a quarter: is everybody still here, and does everybody need what they see?",
  ],
  print: ["Drucken", "Print"],
  csv: ["Als CSV-Datei", "As CSV file"],
  file: ["wer-darf-was.csv", "who-may-see-what.csv"],
  yes: ["ja", "yes"],
  no: ["nein", "no"],
  total: ["Personen", "People"],
  of_company: ["{name}, Stand {date}", "{name}, as of {date}"],
  empty: ["Noch niemand angelegt", "Nobody created yet"],
  review: ["Quartalsprüfung", "Quarterly review"],
  review_text: [
    "Mit der Bestätigung steht im Protokoll, dass Sie diese Liste heute geprüft haben.",
    "With the confirmation the log says that you have checked this list today.",
  ],
  review_now: ["Geprüft, alles richtig", "Checked, all correct"],
  review_last: ["Zuletzt geprüft am {date} von {name}.", "Last checked on {date} by {name}."],
  review_never: ["Noch nie geprüft.", "Never checked so far."],
  review_due: ["fällig", "due"],
  reviewed: ["Danke, die Prüfung ist im Protokoll vermerkt.", "Thank you, the review is noted in the log."],
});

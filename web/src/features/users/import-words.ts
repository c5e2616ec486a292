/** Words of creating many people from a file. */
import { dictionary } from "@/lib/i18n.svelte";

export const t = dictionary({
  import: ["Viele auf einmal", "Many at once"],
  sub: [
    "Füllen Sie die Vorlage in Ihrer Tabellenkalkulation aus und speichern Sie sie als CSV. Sie sehen erst eine Vorschau; E-Mails gehen dabei nie hinaus. Einladungen senden Sie danach in der Liste.",
    "Fill in the template in your spreadsheet and save it as CSV. You see a preview first; no e-mails are sent. Send the invitations in the list afterwards.",
  ],
  template: ["Vorlage herunterladen", "Download the template"],
  template_file: ["benutzer-vorlage.csv", "users-template.csv"],
  file: ["CSV-Datei", "CSV file"],
  file_hint: [
    "Spalten: email, given_name, family_name, role (member oder admin), modules (mit Komma), language, expires_on.",
    "Columns: email, given_name, family_name, role (member or admin), modules (with commas), language, expires_on.",
  ],
  preview: ["Vorschau", "Preview"],
  report: ["Ergebnis", "Result"],
  line: ["Zeile", "Line"],
  person: ["Person", "Person"],
  result: ["Was geschieht", "What happens"],
  would: [
    "{created} würden angelegt, {unchanged} gibt es schon, {refused} gehen so nicht.",
    "{created} would be created, {unchanged} exist already, {refused} cannot be taken as they are.",
  ],
  did: [
    "{created} sind angelegt, {unchanged} gab es schon, {refused} gingen nicht.",
    "{created} are created, {unchanged} existed already, {refused} could not be taken.",
  ],
  go: ["{count} anlegen", "Create {count}"],
  nothing: ["In dieser Datei ist niemand anzulegen.", "There is nobody to create in this file."],
  other: ["Andere Datei wählen", "Choose another file"],
  to_list: ["Zur Liste", "To the list"],
  only_bad: ["Nur Zeilen mit Fehlern zeigen", "Show only lines with errors"],
  shown: ["Die ersten {count} Zeilen", "The first {count} lines"],
});

const results = dictionary({
  would_create: ["wird angelegt", "will be created"],
  created: ["angelegt", "created"],
  unchanged: ["gibt es schon", "exists already"],
  duplicate: ["steht schon weiter oben", "is further up already"],
  refused: ["geht so nicht", "cannot be taken"],
});
export function resultName(result: string, preview: boolean): string {
  const key = preview && result === "created" ? "would_create" : result;
  return key in results.words ? results(key as Parameters<typeof results>[0]) : key;
}

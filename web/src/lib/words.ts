/** Words that several parts of the app share. */
import { dictionary } from "@/lib/i18n.svelte";

export const common = dictionary({
  cancel: ["Abbrechen", "Cancel"],
  close: ["Schließen", "Close"],
  retry: ["Erneut versuchen", "Try again"],
  request_id: ["Vorgangsnummer: {id}", "Request number: {id}"],
  loading: ["Wird geladen …", "Loading …"],
  more: ["Weitere anzeigen", "Show more"],
  download: ["Herunterladen", "Download"],
  copy: ["Kopieren", "Copy"],
  copied: ["Kopiert", "Copied"],
  show: ["Anzeigen", "Show"],
  hide: ["Verbergen", "Hide"],
  fulfilled: ["erfüllt", "met"],
  not_fulfilled: ["noch nicht erfüllt", "not met yet"],
  user_name: ["Benutzername", "User name"],
  password: ["Passwort", "Password"],
  code: ["Sechsstelliger Code", "Six-digit code"],
  required: ["Bitte ausfüllen.", "Please fill this in."],
});

const kinds = dictionary({
  invoice: ["Rechnung", "Invoice"],
  credit_note: ["Gutschrift", "Credit note"],
  correction: ["Korrekturrechnung", "Corrected invoice"],
  call_records: ["Einzelverbindungen", "Call records"],
  traffic_report: ["Verkehrsbericht", "Traffic report"],
  power_statement: ["Stromabrechnung", "Power statement"],
  price_list: ["Preisliste", "Price list"],
  letter: ["Schreiben", "Letter"],
  other: ["Dokument", "Document"],
});

/** A document's kind; one that a newer portal knows and this page does not is simply a document. */
export function kindName(kind: string): string {
  return kinds(kind in kinds.words ? (kind as Parameters<typeof kinds>[0]) : "other");
}

const moduleNames = dictionary({
  invoices: ["Rechnungen", "Invoices"],
  call_records: ["Einzelverbindungen", "Call records"],
  exchange: ["Austausch", "Exchange"],
  graphs: ["Graphen", "Graphs"],
  contracts: ["Verträge", "Contracts"],
  contacts: ["Ansprechpartner", "Contacts"],
});
export type Module = Parameters<typeof moduleNames>[0];
export const MODULES = Object.keys(moduleNames.words) as Module[];

export function moduleName(module: string): string {
  return module in moduleNames.words ? moduleNames(module as Module) : module;
}

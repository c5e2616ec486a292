/** What documents and modules are called; apart from `words`, because the first screen needs neither. */
import { dictionary } from "@/lib/i18n.svelte";

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

const INVOICES = ["invoice", "credit_note", "correction"];

/** Invoices are known by their number; what accompanies them by its title, whose number is the billing system's own. */
export function documentName(document: { kind: string; number: string | null; title: string }): string {
  const numbered = document.number && (INVOICES.includes(document.kind) || !document.title);
  return numbered ? `${kindName(document.kind)} ${document.number}` : document.title;
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

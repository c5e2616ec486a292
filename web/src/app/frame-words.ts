/** Words of the frame for those who are signed in. */
import { dictionary } from "@/lib/i18n.svelte";

export const t = dictionary({
  files: ["Dateien", "Files"],
  contracts: ["Verträge", "Contracts"],
  contacts: ["Ansprechpartner", "Contacts"],
  users: ["Benutzer", "Users"],
  customers: ["Kunden", "Customers"],
  cases: ["Klärfälle", "To clarify"],
  apps: ["Apps", "Apps"],
  notices: ["Mitteilungen", "Notices"],
  notices_count: ["Mitteilungen, {count} neu", "Notices, {count} new"],
  no_notices: ["Nichts Neues, seit diese Seite offen ist.", "Nothing new since this page was opened."],
  disconnected: [
    "Die Verbindung ist gerade unterbrochen; Neues kommt, sobald sie wieder steht.",
    "The connection is interrupted; news will come as soon as it is back.",
  ],
  filed: ["{kind} {number} ist da.", "{kind} {number} has arrived."],
  filed_document: ["Neu für Sie: {kind}.", "New for you: {kind}."],
  profile: ["– Profil und Abmelden: {name}", "– profile and sign out: {name}"],
  sign_out: ["Abmelden", "Sign out"],
  customer: ["– Kunde wechseln", "– switch customer"],
  no_customer: ["Kein Kunde gewählt", "No customer chosen"],
  choose_customer: ["Kunden wechseln", "Switch customer"],
  all_customers: ["Alle Kunden", "All customers"],
});

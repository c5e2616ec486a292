/** Words of the app's own pages and of the dialog for a fresh code. */
import { dictionary } from "@/lib/i18n.svelte";

export const t = dictionary({
  nothing_title: ["Für Sie ist noch nichts freigeschaltet", "Nothing has been opened for you yet"],
  nothing_text: [
    "Bitte fragen Sie die Verwaltung in Ihrem Unternehmen oder uns.",
    "Please ask your company's administrator, or us.",
  ],
  missing_title: ["Diese Seite gibt es nicht", "This page does not exist"],
  missing_text: ["Vielleicht ist die Adresse unvollständig.", "The address may be incomplete."],
  to_start: ["Zur Startseite", "Go to the start page"],
  step_up_title: ["Bitte bestätigen", "Please confirm"],
  step_up_text: [
    "Für diesen Schritt brauchen wir einen neuen Code aus Ihrer Authenticator-App.",
    "This step needs a fresh code from your authenticator app.",
  ],
  confirm: ["Bestätigen", "Confirm"],
  areas: ["Bereiche", "Areas"],
  invoices: ["Rechnungen", "Invoices"],
  exchange: ["Austausch", "Exchange"],
});

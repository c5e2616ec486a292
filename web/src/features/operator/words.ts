/** Words of the operator's own pages. */
import { dictionary } from "@/lib/i18n.svelte";

export const t = dictionary({
  customers: ["Kunden", "Customers"],
  customers_sub: [
    "Öffnen Sie einen Kunden, um seine Dateien und Benutzer zu sehen. Jeder Blick steht in dessen Protokoll.",
    "Open a customer to see its files and users. Every look is recorded in its log.",
  ],
  search: ["Kunden durchsuchen", "Search customers"],
  search_hint: ["Nummer oder Name", "Number or name"],
  nothing_found: ["Nichts gefunden zu „{q}“", "Nothing found for “{q}”"],
  show_all: ["Alle anzeigen", "Show all"],
  from_file: ["Aus CSV-Datei", "From a CSV file"],
  create_customer: ["Kunde anlegen", "Add customer"],
  number: ["Kundennummer", "Customer number"],
  name: ["Name", "Name"],
  domains: ["E-Mail-Domains", "E-mail domains"],
  domains_hint: ["Mehrere mit Komma trennen.", "Separate several with commas."],
  language: ["Sprache", "Language"],
  german: ["Deutsch", "German"],
  english: ["Englisch", "English"],
  colocation: ["Hat Fläche im Rechenzentrum", "Has space in a data centre"],
  end_user: ["Endnutzer (kein Wiederverkäufer)", "End user (not a reseller)"],
  reseller: ["Wiederverkäufer", "reseller"],
  kind: ["Art", "Kind"],
  colocation_short: ["Colocation", "colocation"],
  inactive: ["inaktiv", "inactive"],
  opened: ["geöffnet", "open"],
  open: ["Öffnen", "Open"],
  open_named: ["{name} öffnen", "Open {name}"],
  action: ["Aktion", "Action"],
  save: ["Anlegen", "Create"],
  created: ["{name} ist angelegt.", "{name} is created."],
  no_customers: ["Noch keine Kunden", "No customers yet"],
  no_customers_text: [
    "Legen Sie den ersten an, oder lassen Sie sie aus Ihrem CRM kommen.",
    "Add the first one, or let them arrive from your CRM.",
  ],
  cases: ["Klärfälle", "To clarify"],
  cases_sub: [
    "Rechnungen und Dokumente, die nicht abgelegt, Nachrichten, die nicht verarbeitet, und E-Mails, die nicht zugestellt werden konnten.",
    "Invoices and documents that could not be filed, messages that could not be processed, and mails that could not be delivered.",
  ],
  lists: ["Listen", "Lists"],
  parked: ["Geparkt", "Parked"],
  conflicts: ["Konflikte", "Conflicts"],
  refused: ["Abgelehnt", "Refused"],
  parked_text: [
    "Warten auf etwas, meist auf einen Kunden, den es noch nicht gibt. Sobald er da ist, werden sie von selbst abgelegt.",
    "Waiting for something, usually a customer that does not exist yet. They are filed by themselves as soon as it does.",
  ],
  conflicts_text: [
    "Dieselbe Nummer kam noch einmal mit anderem Inhalt. Das Original bleibt, wie es ist.",
    "The same number came again with other content. The original stays as it is.",
  ],
  refused_text: ["Die Angaben oder Dateien waren nicht brauchbar.", "The data or files could not be used."],
  "dead-letters": ["Aufgegeben", "Given up"],
  "dead-letters_text": [
    "Nachrichten, die sich auch nach vielen Versuchen nicht verarbeiten ließen.",
    "Messages that could not be processed even after many tries.",
  ],
  mails: ["E-Mails", "Mails"],
  mails_text: [
    "Vom Mailserver abgelehnt oder nach vielen Versuchen aufgegeben.",
    "Refused by the mail server, or given up after many tries.",
  ],
  recipient: ["An", "To"],
  message: ["Nachricht", "Message"],
  part_auth: ["Anmeldung", "Sign-in"],
  part_users: ["Benutzer", "Users"],
  part_documents: ["Dateien", "Files"],
  part_contracts: ["Verträge", "Contracts"],
  part_contacts: ["Ansprechpartner", "Contacts"],
  part_metrics: ["Graphen", "Graphs"],
  missing_services: [
    "Nicht alles war zu erfahren. Gerade ohne Antwort: {names}.",
    "Not everything could be had. No answer at the moment: {names}.",
  ],
  document: ["Dokument", "Document"],
  customer: ["Kunde", "Customer"],
  reason: ["Grund", "Reason"],
  received: ["Eingegangen", "Received"],
  source: ["Quelle", "Source"],
  retry: ["Erneut versuchen", "Retry"],
  retry_named: ["{number} erneut versuchen", "Retry {number}"],
  drop: ["Verwerfen", "Drop"],
  drop_named: ["{number} verwerfen", "Drop {number}"],
  drop_title: ["{number} verwerfen?", "Drop {number}?"],
  drop_text: [
    "Der Datensatz verschwindet aus dieser Liste und wird nicht abgelegt. Die Abrechnung müsste ihn neu senden.",
    "The record disappears from this list and is not filed. Billing would have to send it again.",
  ],
  drop_letter_text: [
    "Die Nachricht verschwindet aus dieser Liste und wird nicht mehr verarbeitet.",
    "The message disappears from this list and is not processed any more.",
  ],
  drop_mail_text: [
    "Die E-Mail verschwindet aus dieser Liste und wird nicht mehr zugestellt.",
    "The mail disappears from this list and is not delivered any more.",
  ],
  retried: ["{number} wird noch einmal bearbeitet.", "{number} is being processed again."],
  dropped: ["{number} ist verworfen.", "{number} is dropped."],
  nothing: ["Hier ist nichts zu klären", "Nothing to clarify here"],
  nothing_mails: ["E-Mails, die nicht zugestellt werden konnten, erscheinen hier.", "Mails that could not be delivered appear here."],
  nothing_text: [
    "Was die Abrechnung sendet und nicht abgelegt werden kann, erscheint hier.",
    "What billing sends and cannot be filed appears here.",
  ],
});

export const reasons = dictionary({
  unknown_customer: ["Diesen Kunden gibt es noch nicht.", "This customer does not exist yet."],
  unknown_invoice: ["Diese Rechnung gibt es noch nicht.", "This invoice does not exist yet."],
  invoice_conflict: ["Dieselbe Nummer mit anderem Inhalt.", "The same number with other content."],
  invalid_file_name: ["Ein Dateiname ist nicht erlaubt.", "A file name is not allowed."],
  invalid_content: ["Der Inhalt einer Datei ist kein Base64.", "The content of a file is not base64."],
  files_too_large: ["Die Dateien sind zu groß.", "The files are too large."],
  checksum_mismatch: ["Die Prüfsumme einer Datei stimmt nicht.", "The checksum of a file is wrong."],
  wrong_file_type: ["Eine Datei ist nicht vom angegebenen Typ.", "A file is not of the type that it claims."],
  url_not_allowed: ["Von dieser Adresse werden keine Dateien geholt.", "Files are not fetched from this address."],
  object_not_allowed: ["Aus diesem Bucket werden keine Objekte gelesen.", "Objects of this bucket are not read."],
  mail_refused: ["Der Mailserver nimmt sie nicht an.", "The mail server does not take it."],
  mail_dead: ["Nach vielen Versuchen aufgegeben.", "Given up after many tries."],
  customer_mismatch: ["Die genannte Rechnung gehört einem anderen Kunden.", "The invoice belongs to another customer."],
});

const subjects = dictionary({
  invitation: ["Einladung", "Invitation"],
  welcome_known: ["Zugang zu einer weiteren Firma", "Access to one more company"],
  reset: ["Passwort zurücksetzen", "Password reset"],
  second_factor: ["Neue Authenticator-App einrichten", "Set up a new authenticator app"],
  second_factor_locked: ["Authenticator-App gesperrt", "Authenticator app locked"],
  second_factor_reset: ["Authenticator-App zurückgesetzt", "Authenticator app reset"],
  email_change: ["Neue Adresse bestätigen", "Confirm a new address"],
  notice: ["Neuigkeiten", "News"],
  password_changed: ["Passwort geändert", "Password changed"],
  email_changed: ["E-Mail-Adresse geändert", "E-mail address changed"],
  app_changed: ["Authenticator-App gewechselt", "Authenticator app changed"],
  recovery_codes_renewed: ["Neue Wiederherstellungscodes", "New recovery codes"],
  recovery_code_used: ["Wiederherstellungscode benutzt", "Recovery code used"],
  token_created: ["API-Token angelegt", "API token created"],
  new_device: ["Anmeldung an einem neuen Gerät", "Sign-in on a new device"],
});

/** What a mail is about; a request for one is the mail it would become. Anything else is shown as it came. */
export function subjectName(subject: string): string {
  const kind = subject.replace(/_request$/, "");
  return kind in subjects.words ? subjects(kind as Parameters<typeof subjects>[0]) : subject;
}

/** Why, in words; a reason that this page does not know is shown as it came. */
export function reasonName(reason: string): string {
  return reason in reasons.words ? reasons(reason as Parameters<typeof reasons>[0]) : reason;
}

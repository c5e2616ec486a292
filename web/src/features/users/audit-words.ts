/** What the log says was done, in words. */
import { dictionary } from "@/lib/i18n.svelte";

export const t = dictionary({
  log_sub: [
    "Wer hat wann was getan, auch jeder Blick des Betreibers. Der neueste Eintrag steht oben. Nichts davon lässt sich ändern oder löschen.",
    "Who did what when, including every look of the operator. The newest entry is first. Nothing in it can be changed or deleted.",
  ],
  log: ["Protokoll", "Log"],
  csv: ["Als CSV-Datei", "As CSV file"],
  when: ["Wann", "When"],
  who: ["Wer", "Who"],
  what: ["Was", "What"],

  from: ["Von wo", "From where"],
  empty: ["Noch kein Eintrag", "No entry yet"],
  machine: ["Programm {name}", "Program {name}"],
  nobody: ["ohne Anmeldung", "not signed in"],
  looked: ["Blick des Betreibers", "look by the operator"],
  refused: ["abgelehnt", "refused"],
});

const actions = dictionary({
  api_token_created: ["API-Token angelegt", "API token created"],
  api_token_withdrawn: ["API-Token gelöscht", "API token deleted"],
  machine_token_created: ["Token für eine Maschine angelegt", "Token for a machine created"],
  approvals_listed: ["Freigaben angesehen", "Approvals viewed"],
  audit_exported: ["Protokoll heruntergeladen", "Log downloaded"],
  audit_listed: ["Protokoll angesehen", "Log viewed"],
  access_matrix_read: ["Rechteübersicht angesehen", "Overview of rights viewed"],
  access_reviewed: ["Rechte geprüft und bestätigt", "Rights reviewed and confirmed"],
  calendar_address_made: ["Kalenderadresse erzeugt", "Calendar address made"],
  calendar_address_withdrawn: ["Kalenderadresse zurückgezogen", "Calendar address withdrawn"],
  contact_confirmed: ["Ansprechpartner bestätigt", "Contact confirmed"],
  contact_read: ["Ansprechpartner angesehen", "Contact viewed"],
  contacts_exported: ["Ansprechpartner heruntergeladen", "Contacts downloaded"],
  contacts_listed: ["Ansprechpartner angesehen", "Contacts viewed"],
  contract_read: ["Vertrag angesehen", "Contract viewed"],
  contracts_listed: ["Verträge angesehen", "Contracts viewed"],
  customer_changed: ["Kundendaten geändert", "Customer changed"],
  customer_created: ["Kunde angelegt", "Customer created"],
  customer_opened: ["Kunde geöffnet", "Customer opened"],
  deadlines_listed: ["Fristen angesehen", "Deadlines viewed"],
  document_read: ["Dokument angesehen", "Document viewed"],
  documents_listed: ["Dokumente angesehen", "Documents viewed"],
  email_change_requested: ["Neue E-Mail-Adresse beantragt", "New e-mail address requested"],
  email_changed: ["E-Mail-Adresse geändert", "E-mail address changed"],
  invitation_accepted: ["Einladung angenommen, Passwort gesetzt", "Invitation accepted, password set"],
  invitation_renewed: ["Neuer Einladungslink angefordert", "New invitation link requested"],
  line_read: ["Leitung angesehen", "Line viewed"],
  lines_listed: ["Leitungen angesehen", "Lines viewed"],
  login: ["Anmeldung", "Sign-in"],
  logout: ["Abmeldung", "Sign-out"],
  notifications_changed: ["Benachrichtigungen geändert", "Notifications changed"],
  password_changed: ["Passwort geändert", "Password changed"],
  password_reset: ["Passwort zurückgesetzt", "Password reset"],
  password_reset_requested: ["Link zum Zurücksetzen angefordert", "Password reset requested"],
  profile_changed: ["Profil geändert", "Profile changed"],
  recovery_codes_renewed: ["Neue Wiederherstellungscodes erzeugt", "New recovery codes made"],
  second_factor_enrolled: ["Authenticator-App eingerichtet", "Authenticator app set up"],
  second_factor_locked: ["Authenticator-App gesperrt", "Authenticator app locked"],
  second_factor_reset_requested: ["Zurücksetzen der App verlangt", "Reset of the app requested"],
  second_factor_reset: ["Authenticator-App zurückgesetzt", "Authenticator app reset"],
  session_ended: ["Sitzung beendet", "Session ended"],
  step_up: ["Mit neuem Code bestätigt", "Confirmed with a fresh code"],
  thresholds_changed: ["Warnschwellen geändert", "Warning thresholds changed"],
  thresholds_read: ["Warnschwellen angesehen", "Warning thresholds viewed"],
  traffic_read: ["Graphen angesehen", "Graphs viewed"],
  user_changed: ["Person geändert", "Person changed"],
  user_created: ["Person angelegt", "Person created"],
  user_invited: ["Einladung gesendet", "Invitation sent"],
  user_read: ["Person angesehen", "Person viewed"],
  user_removed: ["Person entfernt", "Person removed"],
  users_imported: ["Personen aus Datei angelegt", "People created from a file"],
  users_listed: ["Benutzerliste angesehen", "User list viewed"],
});

/** An action in words; one that a newer portal knows and this page does not is shown as it came. */
export const actionName = (what: string): string =>
  what in actions.words ? actions(what as Parameters<typeof actions>[0]) : what.replaceAll("_", " ");

const factors = dictionary({
  password: ["Passwort", "password"],
  totp: ["Code aus der App", "code from the app"],
  recovery_code: ["Wiederherstellungscode", "recovery code"],
  link: ["Link aus einer E-Mail", "link from an e-mail"],
  api_token: ["API-Token", "API token"],
});
export const factorName = (factor: string): string =>
  factor in factors.words ? factors(factor as Parameters<typeof factors>[0]) : factor;

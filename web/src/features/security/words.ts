/** Words of one's own security. */
import { dictionary } from "@/lib/i18n.svelte";

export const t = dictionary({
  security: ["Sicherheit", "Security"],
  sub: [
    "Womit Sie sich anmelden, wo Sie angemeldet sind und was bisher war.",
    "What you sign in with, where you are signed in, and what happened so far.",
  ],
  means: ["Womit Sie sich anmelden", "What you sign in with"],
  back: ["Zurück zur Sicherheit", "Back to security"],
  password: ["Passwort", "Password"],
  password_text: [
    "Nach dem Ändern sind Sie auf allen anderen Geräten abgemeldet.",
    "After the change you are signed out on all other devices.",
  ],
  change: ["Ändern", "Change"],
  change_password: ["Passwort ändern", "Change password"],
  password_done: ["Ihr Passwort ist geändert. Andere Geräte sind abgemeldet.", "Your password is changed. Other devices are signed out."],
  email: ["E-Mail-Adresse", "E-mail address"],
  email_text: ["{email} ist zugleich Ihr Benutzername.", "{email} is also your user name."],
  change_email: ["E-Mail-Adresse ändern", "Change e-mail address"],
  new_email: ["Neue E-Mail-Adresse", "New e-mail address"],
  new_email_hint: [
    "Wir senden einen Link dorthin. Erst wenn Sie ihn öffnen, gilt die neue Adresse; Ihre bisherige bekommt eine Nachricht.",
    "We send a link there. The new address counts only once you open it; your present one is told.",
  ],
  send_link: ["Link zusenden", "Send link"],
  email_sent: ["Bitte sehen Sie in das Postfach {email}", "Please look into the mailbox {email}"],
  email_sent_text: [
    "Öffnen Sie dort den Link. Bis dahin melden Sie sich mit Ihrer bisherigen Adresse an.",
    "Open the link there. Until then you sign in with your present address.",
  ],
  app: ["Authenticator-App", "Authenticator app"],
  app_text: [
    "Neues Telefon? Richten Sie hier die neue App ein. Die bisherige gilt, bis Sie die neue bestätigt haben.",
    "New phone? Set up the new app here. The present one works until you have confirmed the new one.",
  ],
  new_app: ["Neue App einrichten", "Set up a new app"],
  new_app_sub: [
    "Bis zur Bestätigung am Ende gilt Ihre bisherige App. Danach sind Sie auf anderen Geräten abgemeldet.",
    "Your present app works until you confirm at the end. After that you are signed out on other devices.",
  ],
  app_done: ["Ihre neue App ist eingerichtet.", "Your new app is set up."],
  codes: ["Wiederherstellungscodes", "Recovery codes"],
  codes_text: [
    "Zehn Codes für den Fall, dass das Telefon weg ist. Neue machen die alten ungültig.",
    "Ten codes in case the phone is gone. New ones make the old ones invalid.",
  ],
  new_codes: ["Neue Codes", "New codes"],
  new_codes_title: ["Neue Wiederherstellungs\u00adcodes", "New recovery codes"],
  new_codes_ask: [
    "Ihre bisherigen Codes gelten dann nicht mehr. Halten Sie etwas zum Drucken oder Speichern bereit.",
    "Your present codes will no longer work. Have something ready to print or save.",
  ],
  make_codes: ["Codes erzeugen", "Make codes"],
  codes_title: ["Ihre neuen Wiederherstellungs\u00adcodes", "Your new recovery codes"],
  codes_sub: [
    "Damit kommen Sie hinein, wenn Ihr Telefon verloren geht. Jeder Code gilt einmal. Wir zeigen sie nur jetzt; ältere gelten nicht mehr.",
    "They let you in if your phone is lost. Each code works once. We show them only now; older ones no longer work.",
  ],
  codes_done: ["Fertig", "Done"],
  sessions: ["Wo Sie angemeldet sind", "Where you are signed in"],
  sessions_text: [
    "Kennen Sie ein Gerät nicht, beenden Sie die Sitzung und ändern Sie Ihr Passwort.",
    "If you do not know a device, end the session and change your password.",
  ],
  device: ["Gerät", "Device"],
  unknown_device: ["unbekanntes Gerät", "unknown device"],
  address: ["Adresse", "Address"],
  since: ["Seit", "Since"],
  last_seen: ["Zuletzt", "Last seen"],
  here: ["dieses Gerät", "this device"],
  end: ["Beenden", "End"],
  end_named: ["Sitzung beenden: {device}", "End session: {device}"],
  end_others: ["Alle anderen beenden", "End all others"],
  ended: ["Die Sitzung ist beendet.", "The session is ended."],
  others_ended: ["Alle anderen Sitzungen sind beendet.", "All other sessions are ended."],
  history: ["Anmeldungen bisher", "Sign-ins so far"],
  when: ["Wann", "When"],
  result: ["Ergebnis", "Result"],
  no_history: ["Noch keine Anmeldung", "No sign-in yet"],
  action: ["Aktion", "Action"],
});

const results = dictionary({
  done: ["angemeldet", "signed in"],
  succeeded: ["angemeldet", "signed in"],
  success: ["angemeldet", "signed in"],
  refused: ["abgelehnt", "refused"],
  failed: ["abgelehnt", "refused"],
  wrong_credentials: ["falsches Passwort", "wrong password"],
  wrong_password: ["falsches Passwort", "wrong password"],
  wrong_code: ["falscher Code", "wrong code"],
  throttled: ["zu viele Versuche", "too many tries"],
  locked: ["gesperrt", "locked"],
});
export const GOOD = ["done", "succeeded", "success"];
export const resultName = (result: string): string =>
  result in results.words ? results(result as Parameters<typeof results>[0]) : result.replaceAll("_", " ");

const factors = dictionary({
  password: ["Passwort", "password"],
  totp: ["Code aus der App", "code from the app"],
  recovery_code: ["Wiederherstellungscode", "recovery code"],
  link: ["Link aus einer E-Mail", "link from an e-mail"],
});
export const factorName = (factor: string): string =>
  factor in factors.words ? factors(factor as Parameters<typeof factors>[0]) : factor;

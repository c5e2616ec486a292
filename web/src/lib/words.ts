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

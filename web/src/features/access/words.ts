/** Words of the first screen; the later steps have their own, so that this one stays small. */
import { dictionary } from "@/lib/i18n.svelte";

export const t = dictionary({
  sign_in: ["Anmelden", "Sign in"],
  sign_in_sub: ["Mit der E-Mail-Adresse, an die Ihre Einladung ging.", "With the e-mail address that was invited."],
  next: ["Weiter", "Continue"],
  forgotten: ["Passwort vergessen?", "Forgotten your password?"],
  expired: [
    "Sie waren längere Zeit nicht aktiv oder wurden abgemeldet. Bitte melden Sie sich wieder an.",
    "You were inactive for a while or were signed out. Please sign in again.",
  ],
  please_sign_in: ["Bitte melden Sie sich an, um diese Seite zu sehen.", "Please sign in to see this page."],
  signed_out: ["Sie sind abgemeldet.", "You are signed out."],
  password_set: [
    "Ihr Passwort ist gesetzt. Melden Sie sich jetzt damit an.",
    "Your password is set. Now sign in with it.",
  ],
  link_for_app: [
    "Ihre Authenticator-App wurde zurückgesetzt. Melden Sie sich mit Ihrem Passwort an; danach richten Sie die App neu ein.",
    "Your authenticator app was reset. Sign in with your password; then set the app up anew.",
  ],
});

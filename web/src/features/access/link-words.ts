/** Words of the pages that links in mails open: invitation, password reset. */
import { dictionary } from "@/lib/i18n.svelte";

export const t = dictionary({
  forgotten: ["Passwort vergessen?", "Forgotten your password?"],
  invitation_title: ["Willkommen", "Welcome"],
  invitation_sub: ["Setzen Sie Ihr Passwort für das {portal}.", "Set your password for {portal}."],
  invitation_expired: ["Diese Einladung gilt nicht mehr", "This invitation is no longer valid"],
  invitation_expired_text: [
    "Einladungen gelten nur einige Tage. Wir senden Ihnen gern einen neuen Link an dieselbe E-Mail-Adresse.",
    "Invitations are valid for a few days only. We can send a new link to the same e-mail address.",
  ],
  send_new_link: ["Neuen Link zusenden", "Send me a new link"],
  new_link_sent: ["Der neue Link ist unterwegs", "The new link is on its way"],
  new_link_sent_text: [
    "Bitte sehen Sie in Ihr Postfach, auch in den Spam-Ordner. Der alte Link gilt nicht mehr.",
    "Please look into your mailbox, also into the spam folder. The old link no longer works.",
  ],
  link_used: ["Dieser Link wurde schon benutzt", "This link was used already"],
  link_used_text: [
    "Ihr Passwort ist gesetzt. Melden Sie sich damit an, oder setzen Sie es neu, wenn Sie es vergessen haben.",
    "Your password is set. Sign in with it, or reset it if you have forgotten it.",
  ],
  to_sign_in: ["Zur Anmeldung", "Go to sign-in"],
  link_unknown: ["Diesen Link kennen wir nicht", "We do not know this link"],
  link_unknown_text: [
    "Vielleicht wurde er beim Kopieren abgeschnitten. Öffnen Sie ihn bitte direkt aus der E-Mail. Klappt das nicht, helfen wir gern:",
    "It may have been cut while copying. Please open it directly from the e-mail. If that does not work, we are glad to help:",
  ],
  reset_title: ["Passwort zurücksetzen", "Reset password"],
  reset_sub: [
    "Geben Sie Ihren Benutzernamen ein. Wir senden Ihnen einen Link, mit dem Sie ein neues Passwort setzen.",
    "Enter your user name. We will send you a link to set a new password.",
  ],
  send_link: ["Link zusenden", "Send link"],
  reset_sent: ["Bitte sehen Sie in Ihr Postfach", "Please look into your mailbox"],
  reset_sent_text: [
    "Wenn es zu {username} ein Konto gibt, ist ein Link dorthin unterwegs. Er gilt 30 Minuten.",
    "If there is an account for {username}, a link is on its way. It is valid for 30 minutes.",
  ],
  reset_new_sub: ["Für {username}. Ihre Authenticator-App bleibt, wie sie ist.", "For {username}. Your authenticator app stays as it is."],
  reset_expired: ["Dieser Link gilt nicht mehr", "This link is no longer valid"],
  reset_expired_text: [
    "Links zum Zurücksetzen gelten 30 Minuten und nur einmal. Fordern Sie bitte einen neuen an.",
    "Reset links are valid for 30 minutes and only once. Please ask for a new one.",
  ],
  ask_again: ["Neuen Link anfordern", "Ask for a new link"],
});

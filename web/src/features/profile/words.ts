/** Words of the profile. */
import { dictionary } from "@/lib/i18n.svelte";

export const t = dictionary({
  profile: ["Profil", "Profile"],
  sub: ["Wie wir Sie ansprechen und wovon Sie hören möchten.", "How we address you and what you want to hear of."],
  me: ["Zu Ihnen", "About you"],
  given_name: ["Vorname", "Given name"],
  family_name: ["Nachname", "Family name"],
  language: ["Sprache", "Language"],
  language_hint: ["Gilt für das Portal und für unsere E-Mails.", "For the portal and for our e-mails."],
  email_elsewhere: ["Ihr Benutzername ist {email}. Sie ändern ihn hier:", "Your user name is {email}. You change it here:"],
  security: ["Sicherheit", "Security"],
  save: ["Speichern", "Save"],
  saved: ["Gespeichert", "Saved"],
  places: ["Ihre Zugänge", "Your access"],
  places_text: [
    "Was Sie sehen, bestimmt die Verwaltung in Ihrem Unternehmen.",
    "What you see is decided by your company's administrators.",
  ],
  staff: ["Mitarbeit beim Betreiber", "The operator's staff"],
  member: ["Mitglied", "Member"],
  admin: ["Verwaltung", "Administrator"],
  operator: ["Betreiber", "Operator"],
  all: ["alle Apps", "all apps"],
  none: ["noch keine App", "no app yet"],
  notifications: ["Benachrichtigungen per E-Mail", "Notifications by e-mail"],
  notifications_text: [
    "Jedes Häkchen gilt sofort. Was Ihre Sicherheit betrifft, bekommen Sie immer.",
    "Each tick counts at once. What concerns your security always comes.",
  ],
  fixed: ["immer", "always"],
  kept: ["Gemerkt.", "Noted."],
});

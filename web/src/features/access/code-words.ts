/** Words of the second step of the sign-in. */
import { dictionary } from "@/lib/i18n.svelte";

export const t = dictionary({
  sign_in: ["Anmelden", "Sign in"],
  code_title: ["Code aus Ihrer App", "Code from your app"],
  code_sub: [
    "Öffnen Sie Ihre Authenticator-App und geben Sie den sechsstelligen Code ein.",
    "Open your authenticator app and enter the six-digit code.",
  ],
  use_recovery: ["Wiederherstellungscode verwenden", "Use a recovery code"],
  use_app: ["Code aus der App verwenden", "Use the code from the app"],
  recovery_title: ["Wiederherstellungscode", "Recovery code"],
  recovery_sub: [
    "Einer der Codes, die Sie bei der Einrichtung aufbewahrt haben. Jeder gilt einmal.",
    "One of the codes you kept when you set up the app. Each works once.",
  ],
  lost: ["Gerät verloren?", "Lost your device?"],
  lost_recovery: [
    "Mit einem Wiederherstellungscode kommen Sie auch ohne Gerät hinein.",
    "With a recovery code you get in without the device.",
  ],
  lost_admin: [
    "Haben Sie keinen mehr, setzt jemand mit der Rolle Verwaltung in Ihrem Unternehmen Ihre App zurück. Sie bekommen dann einen Link per E-Mail.",
    "If you have none left, an administrator of your company resets your app. You then get a link by e-mail.",
  ],
  lost_support: ["Sonst hilft {person}: {phone}", "Otherwise {person} helps: {phone}"],
  other_person: ["Mit einem anderen Benutzernamen anmelden", "Sign in with another user name"],
});

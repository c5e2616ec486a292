/** Words of setting up the authenticator app at the first access. */
import { dictionary } from "@/lib/i18n.svelte";

export const t = dictionary({
  enrol_title: ["Authenticator-App einrichten", "Set up your authenticator app"],
  enrol_sub: [
    "Das Portal braucht neben dem Passwort immer einen Code aus einer App auf Ihrem Telefon. Das richten Sie einmal ein.",
    "Besides the password, the portal always needs a code from an app on your phone. You set this up once.",
  ],
  codes_title: ["Ihre Wiederherstellungscodes", "Your recovery codes"],
  codes_sub: [
    "Damit kommen Sie hinein, wenn Ihr Telefon verloren geht. Jeder Code gilt einmal. Wir zeigen sie nur jetzt.",
    "They let you in if your phone is lost. Each code works once. We show them only now.",
  ],
  codes_done: ["Weiter zum Portal", "Continue to the portal"],
});

/** Words of choosing a password. */
import { dictionary } from "@/lib/i18n.svelte";

export const t = dictionary({
  new_password: ["Neues Passwort", "New password"],
  current_password: ["Bisheriges Passwort", "Present password"],
  rules: ["Ihr Passwort braucht:", "Your password needs:"],
  set_password: ["Passwort setzen", "Set password"],
});

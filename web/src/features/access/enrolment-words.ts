/** Words of setting up the authenticator app. */
import { dictionary } from "@/lib/i18n.svelte";

export const t = dictionary({
  enrol_title: ["Authenticator-App einrichten", "Set up your authenticator app"],
  enrol_sub: [
    "Das Portal braucht neben dem Passwort immer einen Code aus einer App auf Ihrem Telefon. Das richten Sie einmal ein.",
    "Besides the password, the portal always needs a code from an app on your phone. You set this up once.",
  ],
  enrol_app: ["App installieren", "Install an app"],
  enrol_app_text: [
    "Wenn Sie noch keine haben, zum Beispiel eine von diesen. Jede Authenticator-App (TOTP) geht.",
    "If you have none yet, one of these for example. Any authenticator app (TOTP) will do.",
  ],
  enrol_scan: ["QR-Code mit der App scannen", "Scan the QR code with the app"],
  enrol_qr: ["QR-Code zum Scannen mit der Authenticator-App", "QR code to scan with the authenticator app"],
  enrol_type: ["Scannen geht nicht? Dann tippen Sie diesen Schlüssel ein:", "Cannot scan? Then type this key:"],
  enrol_account: ["Konto: {account} bei {issuer}", "Account: {account} at {issuer}"],
  enrol_open: ["In der App auf diesem Gerät öffnen", "Open in the app on this device"],
  enrol_confirm: ["Code aus der App eingeben", "Enter the code from the app"],
  confirm: ["Bestätigen", "Confirm"],
  codes_title: ["Ihre Wiederherstellungscodes", "Your recovery codes"],
  codes_sub: [
    "Damit kommen Sie hinein, wenn Ihr Telefon verloren geht. Jeder Code gilt einmal. Wir zeigen sie nur jetzt.",
    "They let you in if your phone is lost. Each code works once. We show them only now.",
  ],
  codes_print: ["Drucken", "Print"],
  codes_save: ["Als Textdatei sichern", "Save as text file"],
  codes_kept: ["Ich habe die Codes aufbewahrt", "I have kept the codes"],
  codes_done: ["Weiter zum Portal", "Continue to the portal"],
  codes_file: ["wiederherstellungscodes.txt", "recovery-codes.txt"],
  codes_head: ["{portal}: Wiederherstellungscodes für {account}", "{portal}: recovery codes for {account}"],
});

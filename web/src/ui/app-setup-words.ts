/** Words of setting up the authenticator app, wherever it is done. */
import { dictionary } from "@/lib/i18n.svelte";

export const t = dictionary({
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
});

/** Words of the recovery codes. */
import { dictionary } from "@/lib/i18n.svelte";

export const t = dictionary({
  codes_title: ["Ihre Wiederherstellungscodes", "Your recovery codes"],
  codes_print: ["Drucken", "Print"],
  codes_save: ["Als Textdatei sichern", "Save as text file"],
  codes_kept: ["Ich habe die Codes aufbewahrt", "I have kept the codes"],
  codes_file: ["wiederherstellungscodes.txt", "recovery-codes.txt"],
  codes_head: ["{portal}: Wiederherstellungscodes für {account}", "{portal}: recovery codes for {account}"],
});

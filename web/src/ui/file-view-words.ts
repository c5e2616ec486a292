/** Words of the view of one file. */
import { dictionary } from "@/lib/i18n.svelte";

export const t = dictionary({
  opening: ["{name} wird geladen", "Loading {name}"],
  opening_progress: ["{done} von {total}", "{done} of {total}"],
  no_viewer: [
    "Dieser Browser zeigt keine PDF-Dateien in der Seite. Laden Sie die Datei bitte herunter.",
    "This browser does not show PDF files in the page. Please download the file.",
  ],
});

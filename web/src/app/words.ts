/** Words of the frame around every page. */
import { dictionary } from "@/lib/i18n.svelte";

export const t = dictionary({
  skip: ["Zum Inhalt", "Skip to content"],
  questions: ["Fragen zum Portal?", "Questions about the portal?"],
  help: ["Kurzanleitung", "Quick guide"],
  imprint: ["Impressum", "Imprint"],
  privacy: ["Datenschutz", "Privacy"],
  processing_agreement: ["Auftragsverarbeitung", "Data processing"],
  failed_title: ["Diese Seite ließ sich nicht laden", "This page could not be loaded"],
  failed_text: [
    "Prüfen Sie Ihre Internetverbindung. Vielleicht gibt es auch eine neue Fassung des Portals; dann hilft Neuladen.",
    "Check your internet connection. There may also be a new version of the portal; reloading helps then.",
  ],
  reload: ["Neu laden", "Reload"],
});

/** Words of the overview. */
import { dictionary } from "@/lib/i18n.svelte";

export const t = dictionary({
  overview: ["Übersicht", "Overview"],
  hello: ["{text}, {name}", "{text}, {name}"],
  weather: ["Wetter", "Weather"],
  weather_at: ["{site}, {time} Uhr", "{site}, {time}"],
  weather_missing: ["Das Wetter ist gerade nicht zu erfahren.", "The weather cannot be had at the moment."],
  new_documents: ["Neue Dokumente", "New documents"],
  all_documents: ["Alle Rechnungen", "All invoices"],
  new: ["neu", "new"],
  no_documents: ["Nichts Neues", "Nothing new"],
  no_documents_text: [
    "Neue Rechnungen und Dokumente erscheinen hier von selbst.",
    "New invoices and documents appear here by themselves.",
  ],
  more_documents: ["Weitere neue Dokumente ansehen", "See more new documents"],
  open: ["offen", "open"],
  open_until: ["offen bis {date}", "due {date}"],
  paid: ["bezahlt", "paid"],
  partially_paid: ["teilweise bezahlt", "partly paid"],
  overdue: ["überfällig", "overdue"],
  to_do: ["Zu erledigen", "To do"],
  nothing_to_do: ["Alles erledigt", "All done"],
  nothing_to_do_text: ["Im Moment wartet nichts auf Sie.", "Nothing is waiting for you at the moment."],
  users_waiting: ["Noch nicht angemeldet", "Not signed in yet"],
  and_more: ["{names} und {count} weitere", "{names} and {count} more"],
  documents_missing: ["Ihre Rechnungen sind gerade nicht zu erreichen.", "Your invoices cannot be reached at the moment."],
  lines_missing: [
    "Die Auslastung Ihrer Leitungen ist gerade nicht zu erreichen.",
    "The load of your lines cannot be reached at the moment.",
  ],
  deadlines_missing: [
    "Ihre Vertragsfristen sind gerade nicht zu erreichen.",
    "Your contracts' dates cannot be reached at the moment.",
  ],
  contacts_to_confirm_missing: [
    "Ihre Ansprechpartner sind gerade nicht zu erreichen.",
    "Your contacts cannot be reached at the moment.",
  ],
  users_waiting_missing: [
    "Ihre Benutzer sind gerade nicht zu erreichen.",
    "Your users cannot be reached at the moment.",
  ],
  missing_text: ["Alles andere auf dieser Seite ist aktuell.", "Everything else on this page is up to date."],
});

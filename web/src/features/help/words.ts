/** Words of the quick guide. */
import { dictionary } from "@/lib/i18n.svelte";

export const t = dictionary({
  title: ["Kurzanleitung", "Quick guide"],
  sub: ["So finden Sie sich in {portal} zurecht.", "How to find your way around {portal}."],
  print: ["Drucken", "Print"],
  contents: ["Inhalt", "Contents"],
  first: ["Der erste Zugang", "Your first access"],
  first_1: [
    "Ihre Verwaltung oder wir legen Sie als Benutzer an. Sie bekommen eine E-Mail mit einem Link. Er gilt einige Tage und nur einmal.",
    "Your administrator or we create your user. You receive an e-mail with a link. It is valid for some days and only once.",
  ],
  first_2: [
    "Öffnen Sie den Link und vergeben Sie Ihr Passwort. Die Regeln daneben haken sich beim Tippen ab. Ihr Benutzername ist Ihre E-Mail-Adresse.",
    "Open the link and set your password. The rules beside it are ticked off while you type. Your user name is your e-mail address.",
  ],
  first_3: [
    "Installieren Sie eine Authenticator-App auf Ihrem Telefon und lesen Sie damit den QR-Code ein. Geben Sie den sechsstelligen Code ein, den die App zeigt.",
    "Install an authenticator app on your phone and scan the QR code with it. Enter the six-digit code that the app shows.",
  ],
  first_4: [
    "Drucken oder speichern Sie die zehn Wiederherstellungscodes. Mit einem davon kommen Sie hinein, wenn das Telefon verloren ist.",
    "Print or save the ten recovery codes. One of them lets you in when the phone is lost.",
  ],
  apps_hint: ["Geeignete Apps: {apps}.", "Suitable apps: {apps}."],
  sign_in: ["Anmelden", "Signing in"],
  sign_in_1: [
    "Benutzername und Passwort eingeben, dann den Code aus der App. Nach dem sechsten Zeichen geht es von selbst weiter.",
    "Enter user name and password, then the code from the app. After the sixth digit it goes on by itself.",
  ],
  sign_in_2: [
    "Passwort vergessen? „Passwort vergessen“ auf der Anmeldeseite schickt Ihnen einen Link.",
    "Forgotten your password? “Forgot password” on the sign-in page sends you a link.",
  ],
  apps: ["Die Apps", "The apps"],
  apps_text: [
    "Sie sehen die Apps, für die Sie freigeschaltet sind. Oben im Portal wechseln Sie zwischen ihnen; am Telefon stehen sie unten.",
    "You see the apps that were opened for you. Switch between them at the top; on a phone they are at the bottom.",
  ],
  overview: ["Übersicht", "Overview"],
  overview_text: [
    "Die Startseite: was neu ist und was zu erledigen ist. Sie bleibt von selbst aktuell.",
    "The start page: what is new and what needs to be done. It stays up to date by itself.",
  ],
  files: ["Dateien", "Files"],
  files_text: [
    "Alle Rechnungen nach Jahr und Monat, mit Anlagen. Ein Klick auf die Nummer zeigt die Rechnung; PDF und XML laden Sie rechts herunter. Das Suchfeld findet Nummern, Beträge und Text.",
    "All invoices by year and month, with attachments. A click on the number shows the invoice; download PDF and XML on the right. The search field finds numbers, amounts and text.",
  ],
  exchange: ["Dateien / Austausch", "Files / Exchange"],
  exchange_text: [
    "Große Dateien zwischen Ihnen und uns, in beide Richtungen: Ziehen Sie Dateien oder ganze Ordner auf die Seite. Ein Upload lässt sich anhalten und geht nach einer Unterbrechung an derselben Stelle weiter, auch nach dem Neuladen; wählen Sie dann, wenn die Seite darum bittet, dieselbe Datei noch einmal. Die andere Seite bekommt Bescheid, und Sie sehen, wann sie eine Datei zum ersten Mal geöffnet hat. Gleicher Name wird eine neue Version, Gelöschtes liegt eine Zeit lang im Papierkorb.",
    "Large files between you and us, both ways: drag files or whole folders onto the page. An upload can be paused and goes on at the same point after an interruption, also after a reload; when the page asks for it, choose the same file again. The other side is told, and you see when it opened a file for the first time. The same name becomes a new version, and what was deleted stays in the trash for a while.",
  ],
  graphs: ["Graphen", "Graphs"],
  graphs_text: [
    "Bandbreite und Volumen Ihrer Leitungen, vom letzten Tag bis zum ganzen Jahr, mit der vereinbarten Bandbreite und dem Abrechnungswert. Die Werte gibt es auch als Tabelle und CSV-Datei.",
    "Bandwidth and volume of your lines, from the last day to the whole year, with the agreed bandwidth and the billed value. The values are also there as a table and a CSV file.",
  ],
  contracts: ["Verträge", "Contracts"],
  contracts_text: [
    "Was vereinbart ist und bis wann: Leistungen, Laufzeit und der letzte Tag für eine Kündigung, mit Begründung. Die Fristen können Sie im Kalender abonnieren.",
    "What is agreed and until when: services, term and the last day for giving notice, with the reason. You can subscribe to the dates in your calendar.",
  ],
  contacts: ["Ansprechpartner", "Contacts"],
  contacts_text: [
    "Wen Sie bei uns erreichen, und wen wir bei Ihnen. Bestätigen Sie Ihre Ansprechpartner einmal im Jahr mit „stimmt noch“.",
    "Whom you can reach here, and whom we can reach at your company. Confirm your contacts once a year with “still correct”.",
  ],
  users: ["Benutzer verwalten", "Managing users"],
  users_text: [
    "Für Verwalter, im Menü rechts oben: Tragen Sie E-Mail-Adresse, Name, Rolle und Apps in die leere Zeile ein und senden Sie am Ende der Zeile die Einladung. Daneben sehen Sie, was daraus wurde: gesendet, abgelehnt, geöffnet, abgelaufen, benutzt. Das Passwort vergibt jeder selbst. Über „…“ berichtigen, deaktivieren oder entfernen Sie jemanden, setzen einen letzten Tag oder nach einem Telefonverlust die App zurück. „Wer darf was sehen“ zeigt alle auf einen Blick, „Protokoll“, wer wann was getan hat.",
    "For administrators, in the menu at the top right: enter e-mail address, name, role and apps in the empty row and send the invitation at the end of the row. Beside it you see what became of it: sent, refused, opened, expired, used. Everybody sets their own password. With “…” you correct, deactivate or remove somebody, set a last day, or reset the app after a phone was lost. “Who may see what” shows everybody at a glance, “Log” who did what when.",
  ],
  security: ["Sicherheit und Profil", "Security and profile"],
  security_text: [
    "Im Menü rechts oben. Unter „Sicherheit“ ändern Sie Passwort und E-Mail-Adresse, richten ein neues Telefon ein, solange das alte noch geht, erzeugen neue Wiederherstellungscodes und beenden Sitzungen auf Geräten, die Sie nicht kennen. Unter „Profil“ stehen Name, Sprache und die E-Mails, die Sie bekommen möchten. Für solche Schritte fragt das Portal manchmal noch einmal nach einem Code.",
    "In the menu at the top right. Under “Security” you change password and e-mail address, set up a new phone while the old one still works, make new recovery codes, and end sessions on devices that you do not know. Under “Profile” are your name, language and the e-mails that you want to get. For such steps the portal sometimes asks for a code once more.",
  ],
  trouble: ["Wenn etwas nicht klappt", "When something does not work"],
  link_expired: ["Der Link ist abgelaufen", "The link has expired"],
  link_expired_text: [
    "Auf der Seite, die er öffnet, können Sie sich einen neuen senden lassen.",
    "The page that it opens can send you a new one.",
  ],
  code_refused: ["Der Code wird nicht angenommen", "The code is not accepted"],
  code_refused_text: [
    "Stellen Sie die Uhrzeit des Telefons auf „automatisch“ und nehmen Sie den nächsten Code. Jeder Code gilt einmal.",
    "Set the phone's clock to automatic and take the next code. Each code is valid once.",
  ],
  phone_lost: ["Das Telefon ist weg", "The phone is gone"],
  phone_lost_text: [
    "Melden Sie sich mit einem Wiederherstellungscode an und richten Sie unter „Sicherheit“ die neue App ein. Haben Sie keinen Code mehr, setzt Ihre Verwaltung die App zurück; die einzige Verwalterin oder der einzige Verwalter fragt uns.",
    "Sign in with a recovery code and set up the new app under “Security”. If you have no code left, your administrator resets the app; if you are the only administrator, ask us.",
  ],
  ask: ["Wir helfen gern", "We are glad to help"],
  picture: ["Bild: {name}", "Picture: {name}"],
});

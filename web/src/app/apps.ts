/** The apps of the portal, in the order of the bar. A later app adds a line here and one in routes.ts. */
import type { Session } from "@/lib/session.svelte";
import type { IconName } from "@/ui/icons";
import type { t } from "@/app/frame-words";

type Word = Parameters<typeof t>[0] & ("overview" | "files" | "graphs" | "contracts" | "contacts" | "users" | "customers" | "cases" | "staff" | "own_profile" | "security" | "tokens");

export type App = {
  path: string;
  word: Word;
  icon: IconName;
  place: (session: Session) => "bar" | "menu" | null;
};

const isOperator = (session: Session): boolean => session.role === "operator";
export const mayRead = (session: Session, ...modules: string[]): boolean =>
  isOperator(session) || modules.some((module) => session.modules.includes(module));

/** The modules that open the invoices' part of the files. */
export const INVOICES = ["invoices", "call_records"];

/** Whether an address belongs to an app: its own page, or one below it. */
export const isWithin = (path: string, app: App): boolean =>
  path === app.path || (app.path !== "/" && path.startsWith(`${app.path}/`));

export const apps: App[] = [
  {
    path: "/",
    word: "overview",
    icon: "home",
    place: (session) => (session.customer ? "bar" : null),
  },
  {
    path: "/customers",
    word: "customers",
    icon: "building",
    place: (session) => (isOperator(session) ? "bar" : null),
  },
  {
    path: "/files",
    word: "files",
    icon: "folder",
    place: (session) => (session.customer && mayRead(session, ...INVOICES, "exchange") ? "bar" : null),
  },
  {
    path: "/graphs",
    word: "graphs",
    icon: "chart",
    place: (session) => (session.customer && mayRead(session, "graphs") ? "bar" : null),
  },
  {
    path: "/contracts",
    word: "contracts",
    icon: "contract",
    place: (session) => (session.customer && mayRead(session, "contracts") ? "bar" : null),
  },
  {
    path: "/contacts",
    word: "contacts",
    icon: "person",
    // Staff approve changes and settle conflicts without a customer being open.
    place: (session) => (isOperator(session) || mayRead(session, "contacts") ? "bar" : null),
  },
  {
    path: "/users",
    word: "users",
    icon: "people",
    place: (session) => {
      if (isOperator(session)) return session.customer ? "bar" : null;
      return session.role === "admin" ? "menu" : null;
    },
  },
  {
    path: "/operator/documents",
    word: "cases",
    icon: "inbox",
    place: (session) => (isOperator(session) ? "bar" : null),
  },
  {
    path: "/staff",
    word: "staff",
    icon: "people",
    place: (session) => (isOperator(session) ? "menu" : null),
  },
];

/** Everybody's own pages, at the initials: no apps, for they show nothing of a customer. */
export const personal = [
  { path: "/profile", word: "own_profile", icon: "person" },
  { path: "/security", word: "security", icon: "shield" },
  { path: "/api-tokens", word: "tokens", icon: "key" },
] as const satisfies Omit<App, "place">[];

export function appsIn(place: "bar" | "menu", session: Session | null): App[] {
  return session ? apps.filter((app) => app.place(session) === place) : [];
}

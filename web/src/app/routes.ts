/** Which page stands at which address. Every page is loaded when it is first opened. */
import type { Component } from "svelte";

export type Route = {
  path: string;
  load: () => Promise<{ default: Component }>;
  /** Can be seen without signing in. */
  open?: true;
  /** Shows one customer's data, so it starts anew when another customer is opened. */
  ofCustomer?: true;
};

export const routes: Route[] = [
  { path: "/", load: () => import("@/app/Start.svelte"), ofCustomer: true },
  { path: "/sign-in", load: () => import("@/features/access/SignIn.svelte"), open: true },
  { path: "/invitation", load: () => import("@/features/access/Invitation.svelte"), open: true },
  { path: "/password-reset", load: () => import("@/features/access/PasswordReset.svelte"), open: true },
  { path: "/second-factor", load: () => import("@/features/access/SecondFactorLink.svelte"), open: true },
  { path: "/email-change", load: () => import("@/features/security/EmailChange.svelte"), open: true },
  { path: "/help", load: () => import("@/features/help/Help.svelte"), open: true },
  { path: "/files", load: () => import("@/app/FilesInvoices.svelte"), ofCustomer: true },
  { path: "/files/exchange", load: () => import("@/app/FilesExchange.svelte"), ofCustomer: true },
  { path: "/graphs", load: () => import("@/features/graphs/Graphs.svelte"), ofCustomer: true },
  { path: "/contracts", load: () => import("@/features/contracts/Contracts.svelte"), ofCustomer: true },
  { path: "/contacts", load: () => import("@/features/contacts/Contacts.svelte"), ofCustomer: true },
  { path: "/users", load: () => import("@/features/users/Users.svelte"), ofCustomer: true },
  { path: "/profile", load: () => import("@/features/profile/Profile.svelte") },
  { path: "/security", load: () => import("@/features/security/Security.svelte") },
  { path: "/api-tokens", load: () => import("@/features/security/ApiTokens.svelte") },
  { path: "/customers", load: () => import("@/features/operator/Customers.svelte") },
  { path: "/customers/import", load: () => import("@/features/operator/CustomerImport.svelte") },
  { path: "/staff", load: () => import("@/features/operator/Staff.svelte") },
  { path: "/operator/documents", load: () => import("@/features/operator/Cases.svelte") },
];

const missing: Route = { path: "", load: () => import("@/app/Missing.svelte"), open: true };

/** The page for an address; a slash at the end makes no difference. */
export function routeFor(path: string): Route {
  const plain = path.length > 1 ? path.replace(/\/+$/, "") : path;
  return routes.find((route) => route.path === plain) ?? missing;
}

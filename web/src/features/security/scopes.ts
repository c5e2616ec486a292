/** What a token may do: read a module, or send what only machines send. Pure. */
import { moduleName, MODULES } from "@/lib/names-words";

import { t } from "@/features/security/token-words";

export const MACHINE_SCOPES = ["billing:publish", "network:publish"];

/** A person's token can never do more than the person may; staff may read all. */
export const readable = (modules: readonly string[], all: boolean): string[] =>
  MODULES.filter((module) => all || modules.includes(module)).map((module) => `${module}:read`);

export function scopeName(scope: string): string {
  if (scope === "billing:publish") return t("billing_publish");
  if (scope === "network:publish") return t("network_publish");
  return scope.endsWith(":read") ? moduleName(scope.slice(0, -":read".length)) : scope;
}

const DAY = 86_400_000;

/** A day so far from now, as YYYY-MM-DD where the reader is. */
export function dayIn(days: number, now = new Date()): string {
  const then = new Date(now.getTime() + days * DAY);
  const part = (value: number): string => String(value).padStart(2, "0");
  return `${then.getFullYear()}-${part(then.getMonth() + 1)}-${part(then.getDate())}`;
}

/** The end of a day where the reader is, as a moment. */
export const endOf = (day: string): string => new Date(`${day}T23:59:59`).toISOString();

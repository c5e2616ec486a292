/** An error as the reader sees it: RFC 9457 problem details, or what stands in for them when nothing came back. */
import { dictionary } from "@/lib/i18n.svelte";

export const t = dictionary({
  unreachable: ["Das Portal ist gerade nicht zu erreichen.", "The portal cannot be reached at the moment."],
  unreachable_detail: [
    "Prüfen Sie Ihre Internetverbindung und versuchen Sie es noch einmal.",
    "Check your internet connection and try again.",
  ],
  unreadable: ["Die Antwort des Portals war nicht lesbar.", "The portal's answer could not be read."],
  later: [
    "Bitte versuchen Sie es in einigen Minuten noch einmal.",
    "Please try again in a few minutes.",
  ],
  wait: ["Bitte warten Sie {seconds} Sekunden.", "Please wait {seconds} seconds."],
  wait_minutes: ["Bitte warten Sie {minutes} Minuten.", "Please wait {minutes} minutes."],
});

export type FieldError = { pointer: string; detail: string };

type Body = {
  code?: string;
  title?: string;
  detail?: string | null;
  errors?: FieldError[];
  request_id?: string;
};

export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly errors: FieldError[];
  readonly requestId: string;

  constructor(status: number, body: Body, headers = new Headers()) {
    const title = body.title ?? t(status === 0 ? "unreachable" : "unreadable");
    super(title);
    this.status = status;
    this.code = body.code ?? (status === 0 ? "unreachable" : "unreadable");
    this.title = title;
    this.errors = body.errors ?? [];
    this.requestId = body.request_id ?? headers.get("X-Request-Id") ?? "";
    const said = body.detail && body.detail !== title ? body.detail : fallback(status);
    this.detail = [said, waiting(headers)].filter(Boolean).join(" ");
  }

  /** What is wrong with one field of a form, or nothing. */
  at(field: string): string | undefined {
    return this.errors.find((error) => error.pointer.split("/").includes(field))?.detail;
  }
}

function fallback(status: number): string {
  if (status === 0) return t("unreachable_detail");
  return status >= 500 ? t("later") : "";
}

function waiting(headers: Headers): string {
  const seconds = Number(headers.get("Retry-After") ?? Number.NaN);
  if (!Number.isFinite(seconds) || seconds <= 0) return "";
  return seconds < 90 ? t("wait", { seconds }) : t("wait_minutes", { minutes: Math.ceil(seconds / 60) });
}

export function problemOf(body: unknown, response: Response): Problem {
  return new Problem(response.status, isObject(body) ? (body as Body) : {}, response.headers);
}

/** Anything thrown, as a problem. */
export function asProblem(thrown: unknown): Problem {
  return thrown instanceof Problem ? thrown : new Problem(0, {});
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

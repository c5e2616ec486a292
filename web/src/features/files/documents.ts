/** What the list of documents is made of. Pure. */
import { BASE, type Reply } from "@/lib/api";

export type Folders = Reply<"/documents/folders">;
export type Page = Reply<"/documents">;
export type Document = Page["items"][number];
export type File = Document["files"][number];

export type Group = { document: Document; children: Document[] };

/** Attachments go under their invoice; one whose invoice is not in the list stands on its own. */
export function grouped(documents: Document[]): Group[] {
  const known = new Set(documents.map((document) => document.id));
  const hangs = (document: Document): boolean => Boolean(document.invoice_id && known.has(document.invoice_id));
  return documents
    .filter((document) => !hangs(document))
    .map((document) => ({ document, children: documents.filter((child) => child.invoice_id === document.id) }));
}

export const isAttachment = (document: Document): boolean => Boolean(document.invoice_id);

const INVOICES = ["invoice", "credit_note", "correction"];

/** Beside an invoice's own file there may be others that merely came with it. */
const isExtra = (document: Document, file: File): boolean =>
  file.role === "attachment" && INVOICES.includes(document.kind);

/** The files that are the document itself. */
export const mainFiles = (document: Document): File[] => document.files.filter((file) => !isExtra(document, file));
export const extraFiles = (document: Document): File[] => document.files.filter((file) => isExtra(document, file));

export const isPdf = (file: File): boolean => file.media_type === "application/pdf";

const TYPES: Record<string, string> = { "application/pdf": "PDF", "application/xml": "XML", "text/xml": "XML", "text/csv": "CSV" };

/** PDF, XML, CSV; else the ending of the name. */
export function typeName(file: File): string {
  const ending = /\.([A-Za-z0-9]{1,5})$/.exec(file.name)?.[1];
  return TYPES[file.media_type.split(";")[0] ?? ""] ?? ending?.toUpperCase() ?? "?";
}

export function fileUrl(document: Document, file: File, { download = false } = {}): string {
  const path = `${BASE}/documents/${encodeURIComponent(document.id)}/files/${encodeURIComponent(file.id)}`;
  return download ? `${path}?download=1` : path;
}

/** The number if there is one; accompanying documents are known by their title. */
export function nameOf(document: Document): string {
  return (document.invoice_id ? document.title || document.number : document.number || document.title) ?? "";
}

/** The newest page put before what was loaded already: nothing that the reader sees goes away. */
export function renewed(before: Page | undefined, newest: Page): Page {
  if (!before) return newest;
  return { items: joined(newest.items, before.items), next_cursor: before.next_cursor };
}

/** The next page put below. */
export function continued(before: Page, next: Page): Page {
  return { items: joined(before.items, next.items), next_cursor: next.next_cursor };
}

function joined(first: Document[], then: Document[]): Document[] {
  const known = new Set(first.map((document) => document.id));
  return [...first, ...then.filter((document) => !known.has(document.id))];
}

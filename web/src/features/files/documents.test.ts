import { expect, test } from "vitest";

import { continued, extraFiles, grouped, mainFiles, renewed, typeName, type Document, type File, type Page } from "@/features/files/documents";

const document = (id: string, invoiceId: string | null = null): Document =>
  ({ id, invoice_id: invoiceId, files: [] }) as unknown as Document;
const page = (ids: string[], next: string | null): Page =>
  ({ items: ids.map((id) => document(id)), next_cursor: next }) as Page;
const file = (name: string, mediaType: string): File => ({ name, media_type: mediaType }) as File;

test("attachments hang on their invoice, whichever came first", () => {
  const groups = grouped([document("a1", "i"), document("i"), document("j"), document("a2", "i")]);

  expect(groups.map((group) => [group.document.id, group.children.map((child) => child.id)])).toEqual([
    ["i", ["a1", "a2"]],
    ["j", []],
  ]);
});

test("an attachment whose invoice is not in the list stands on its own", () => {
  expect(grouped([document("a", "elsewhere")]).map((group) => group.document.id)).toEqual(["a"]);
});

test("what is new comes in front, and nothing loaded before goes away", () => {
  const after = renewed(page(["b", "c", "d"], "cursor-d"), page(["a", "b"], "cursor-b"));

  expect(after.items.map((item) => item.id)).toEqual(["a", "b", "c", "d"]);
  expect(after.next_cursor).toBe("cursor-d");
});

test("a first page that grew pushes nothing out: its last document stays, and the next page follows on it", () => {
  const after = renewed(page(["b", "c"], "cursor-c"), page(["a", "b"], "cursor-b"));

  expect(after.items.map((item) => item.id)).toEqual(["a", "b", "c"]);
  expect(after.next_cursor).toBe("cursor-c");
  expect(renewed(undefined, page(["a"], "x")).next_cursor).toBe("x");
});

test("the next page comes below, each document once", () => {
  const after = continued(page(["a", "b"], "cursor-b"), page(["b", "c"], null));

  expect(after.items.map((item) => item.id)).toEqual(["a", "b", "c"]);
  expect(after.next_cursor).toBeNull();
});

test.each([
  ["rechnung.pdf", "application/pdf", "PDF"],
  ["rechnung.xml", "application/xml", "XML"],
  ["evn.csv", "text/csv; charset=utf-8", "CSV"],
  ["strom.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "XLSX"],
  ["ohne", "application/octet-stream", "?"],
])("%s of %s is called %s", (name, mediaType, type) => {
  expect(typeName(file(name, mediaType))).toBe(type);
});

test("what came with an invoice stands below it, what an accompanying document consists of is itself", () => {
  const files = [
    { ...file("rechnung.pdf", "application/pdf"), role: "invoice" },
    { ...file("nachweis.pdf", "application/pdf"), role: "attachment" },
  ];
  const invoice = { ...document("i"), kind: "invoice", files } as Document;
  const report = { ...document("r", "i"), kind: "traffic_report", files: files.slice(1) } as Document;

  expect(mainFiles(invoice).map(({ name }) => name)).toEqual(["rechnung.pdf"]);
  expect(extraFiles(invoice).map(({ name }) => name)).toEqual(["nachweis.pdf"]);
  expect(mainFiles(report)).toHaveLength(1);
  expect(extraFiles(report)).toHaveLength(0);
});

/** The bytes of a file, with progress; can be stopped. */
import { request } from "@/lib/api";
import { problemOf } from "@/lib/problem";

type Progress = (done: number) => void;

/** What the page shows itself. Whatever the bytes are, they are never given to the browser as a page of ours. */
export const SHOWN = ["application/pdf", "image/png", "image/jpeg", "image/gif", "image/webp"] as const;
export type Shown = (typeof SHOWN)[number];

export async function fetchFile(url: string, type: Shown, signal: AbortSignal, progress: Progress): Promise<Blob> {
  const response = await request(new Request(url, { signal }));
  if (!response.ok) {
    throw problemOf(
      await response.json().catch(() => ({})),
      response,
    );
  }
  const parts: BlobPart[] = [];
  let done = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const next = await reader?.read();
    if (!next || next.done) break;
    parts.push(next.value);
    progress((done += next.value.length));
  }
  return new Blob(parts, { type });
}

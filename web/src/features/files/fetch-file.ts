/** The bytes of a file, with progress; can be stopped. */
import { request } from "@/lib/api";
import { problemOf } from "@/lib/problem";

type Progress = (done: number) => void;

export async function fetchFile(url: string, signal: AbortSignal, progress: Progress): Promise<Blob> {
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
  // Always this type: whatever the bytes are, the frame must never run them as a page of ours.
  return new Blob(parts, { type: "application/pdf" });
}

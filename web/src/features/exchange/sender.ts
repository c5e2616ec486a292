/** One file on its way to the portal by the tus protocol. The protocol's client is loaded with the first file. */
import type { DetailedError, Upload } from "tus-js-client";

import { BASE, hooks, request } from "@/lib/api";
import { language } from "@/lib/i18n.svelte";
import { Problem } from "@/lib/problem";

import { nameFlaw } from "@/features/exchange/name-flaws";

export const UPLOADS = `${BASE}/exchange/uploads`;
const TUS = { "Tus-Resumable": "1.0.0" };

/** Thrown by `send` after `stop`. */
export const STOPPED = Symbol("stopped");

export type Told = {
  /** The portal has an address for it: from now on it can be taken up again. */
  started: (url: string) => void;
  progress: (bytes: number) => void;
};

export class Sender {
  #upload: Upload | undefined;
  #give: ((reason: unknown) => void) | undefined;
  #stopped = false;

  /** Until the last byte is there. Goes on behind what lies at `url` already. */
  async send(file: File, metadata: Record<string, string>, url: string | null, told: Told): Promise<void> {
    const { Upload } = await import("tus-js-client");
    if (this.#stopped) throw STOPPED;
    await new Promise<void>((resolve, reject) => {
      this.#give = reject;
      const upload = new Upload(file, {
        // Without an endpoint the client never makes a second upload of one that it cannot find.
        endpoint: url ? null : location.origin + UPLOADS,
        uploadUrl: url,
        metadata,
        headers: { "Accept-Language": language.current },
        // When and how often to try again is decided in one place, in Job.
        retryDelays: null,
        storeFingerprintForResuming: false,
        onUploadUrlAvailable: () => {
          upload.options.endpoint = null;
          if (upload.url) told.started(upload.url);
        },
        onProgress: (sent) => told.progress(sent),
        onAfterResponse: (_, response) => {
          if (response.getStatus() < 300) hooks.alive();
        },
        onError: (error) => reject(problemFrom(error)),
        onSuccess: () => resolve(),
      });
      this.#upload = upload;
      upload.start();
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#upload?.abort();
    this.#give?.(STOPPED);
  }
}

function problemFrom(error: Error | DetailedError): Problem {
  const response = "originalResponse" in error ? error.originalResponse : null;
  if (!response) return new Problem(0, {});
  const headers = new Headers();
  for (const name of ["Retry-After", "X-Request-Id"]) {
    const value = response.getHeader(name);
    if (value) headers.set(name, value);
  }
  const body = parsed(response.getBody());
  const errors = (body.errors ?? []).map((error) => ({ ...error, detail: nameFlaw(error.detail) }));
  return new Problem(response.getStatus(), { ...body, errors }, headers);
}

type Body = NonNullable<ConstructorParameters<typeof Problem>[1]>;

function parsed(body: string): Body {
  try {
    const said: unknown = JSON.parse(body);
    return typeof said === "object" && said !== null ? (said as Body) : {};
  } catch {
    return {};
  }
}

/** How many bytes the portal has; nothing when it has forgotten the upload. */
export async function offsetOf(url: string): Promise<number | null> {
  const response = await request(new Request(url, { method: "HEAD", headers: TUS }));
  if (response.status === 404 || response.status === 410) return null;
  if (!response.ok) throw new Problem(response.status, {}, response.headers);
  return Number(response.headers.get("Upload-Offset") ?? 0);
}

const TRIES = 5;

/** Ends an upload for good; its reserved room is free again. One that is gone already is well too. */
export async function discard(url: string): Promise<void> {
  for (let left = TRIES; left > 0; left--) {
    const response = await request(new Request(url, { method: "DELETE", headers: TUS }));
    if (response.ok || response.status === 404 || response.status === 410) return;
    // The request that was broken off may still hold it for a moment.
    if (response.status !== 423 || left === 1) throw new Problem(response.status, {}, response.headers);
    await new Promise((resolve) => setTimeout(resolve, 700));
  }
}

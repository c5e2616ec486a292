/** Calls of the portal's interface, typed by openapi-fetch; the little of it that runs here is done here, in a tenth of its size. */
import type { Client } from "openapi-fetch";

const METHODS = ["GET", "PUT", "POST", "PATCH", "DELETE"] as const;
type Methods = (typeof METHODS)[number];

type Init = {
  params?: { path?: Record<string, unknown>; query?: Record<string, unknown>; header?: Record<string, unknown> };
  body?: unknown;
  bodySerializer?: (body: unknown) => BodyInit;
  headers?: Record<string, string>;
  signal?: AbortSignal;
};
type Fetch = (request: Request) => Promise<Response>;

/** What a call sends; a part that is missing or null is left out of the query and the headers. */
export function requestOf(method: string, address: string, { params = {}, body, headers, signal, ...init }: Init = {}): Request {
  const path = address.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(params.path?.[name])));
  const query = new URLSearchParams();
  for (const [name, value] of said(params.query)) {
    for (const one of Array.isArray(value) ? value : [value]) query.append(name, String(one));
  }
  const sent = new Headers(body === undefined ? {} : { "Content-Type": "application/json" });
  for (const [name, value] of said({ ...params.header, ...headers })) sent.set(name, String(value));
  return new Request(query.size > 0 ? `${path}?${query}` : path, {
    method,
    headers: sent,
    ...(signal ? { signal } : {}),
    ...(body === undefined ? {} : { body: (init.bodySerializer ?? JSON.stringify)(body) }),
  });
}

const said = (values: Record<string, unknown> = {}): [string, unknown][] =>
  Object.entries(values).filter(([, value]) => value !== undefined && value !== null);

async function reply(response: Response): Promise<{ data?: unknown; error?: unknown; response: Response }> {
  const text = await response.text();
  let body: unknown = text || undefined;
  try {
    body = JSON.parse(text);
  } catch {
    // Not JSON: nothing, a calendar, or a proxy's page.
  }
  return response.ok ? { data: body, response } : { error: body, response };
}

export function clientOf<Paths extends object>(base: string, fetch: Fetch): Pick<Client<Paths>, Methods> {
  const call = (method: Methods) => async (path: string, init?: Init) => reply(await fetch(requestOf(method, base + path, init)));
  return Object.fromEntries(METHODS.map((method) => [method, call(method)])) as unknown as Pick<Client<Paths>, Methods>;
}

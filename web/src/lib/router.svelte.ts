/** The address bar as state, by the history interface. Links are plain `<a href>`; one listener catches them. */

class Address {
  path = $state.raw(globalThis.location?.pathname ?? "/");
  search = $state.raw(globalThis.location?.search ?? "");
  hash = $state.raw(globalThis.location?.hash ?? "");

  get query(): URLSearchParams {
    return new URLSearchParams(this.search);
  }

  read(): void {
    this.path = location.pathname;
    this.search = location.search;
    this.hash = location.hash;
  }
}

export const address = new Address();

type Options = { replace?: boolean; state?: Record<string, string> };

export function navigate(to: string, { replace = false, state }: Options = {}): void {
  const elsewhere = new URL(to, location.origin).pathname !== location.pathname;
  history[replace ? "replaceState" : "pushState"](state ?? null, "", to);
  address.read();
  if (elsewhere) scrollTo(0, 0);
}

/** The same page with other words in its query; null takes a word away. */
export function withQuery(search: string, changes: Record<string, string | number | null>): string {
  const query = new URLSearchParams(search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") query.delete(name);
    else query.set(name, String(value));
  }
  const text = query.toString();
  return text ? `?${text}` : "";
}

/** A return path from the address: a page of this app, or the start page. Never another site. */
export function safeReturn(path: string | null): string {
  return path !== null && /^\/(?![/\\])/.test(path) && !path.startsWith("/sign-in") ? path : "/";
}

/** Whether a click on this link is for the router, not for the browser. */
export function isOurs(link: HTMLAnchorElement, event: MouseEvent): boolean {
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  const stays = !link.hasAttribute("download") && (link.target === "" || link.target === "_self");
  const served = /^\/(api|docs|dev)(\/|$)/.test(link.pathname);
  return plain && stays && !served && link.origin === location.origin && !event.defaultPrevented;
}

export function listen(): void {
  addEventListener("popstate", () => address.read());
  addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link?.href || !isOurs(link, event)) return;
    event.preventDefault();
    navigate(link.pathname + link.search + link.hash);
  });
}

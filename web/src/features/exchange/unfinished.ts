/** What was being uploaded when the page went away. The browser forgets the file itself; this remembers the rest. */

export type Unfinished = {
  id: string;
  url: string;
  name: string;
  size: number;
  modified: number;
  parent: string;
  /** Where it goes, for the reader. */
  path: string;
  customer: string;
  user: string;
  expires: number;
  /** By the reader: it does not go on by itself. */
  paused: boolean;
};

const PREFIX = "exchange-upload:";
const DATABASE = "exchange";
const HANDLES = "handles";
/** The portal keeps what has begun for seven days. */
const KEPT_MS = 7 * 86_400_000;

/** One item each: two windows must not write over each other. */
export function remember(upload: Omit<Unfinished, "expires" | "paused">, paused = false): void {
  const record: Unfinished = { ...upload, paused, expires: Date.now() + KEPT_MS };
  try {
    localStorage.setItem(PREFIX + upload.id, JSON.stringify(record));
  } catch {
    // Without storage the upload goes on all the same; it only cannot be taken up again after a reload.
  }
}

export function forget(id: string): void {
  localStorage.removeItem(PREFIX + id);
  void withHandles("readwrite", (store) => store.delete(id));
}

/** Of this person at this customer, oldest first. */
export function remembered(user: string, customer: string): Unfinished[] {
  const found: Unfinished[] = [];
  for (const key of Object.keys(localStorage).filter((one) => one.startsWith(PREFIX))) {
    const record = read(key);
    if (!record || record.expires < Date.now()) forget(key.slice(PREFIX.length));
    else if (record.user === user && record.customer === customer) found.push(record);
  }
  return found.sort((one, other) => one.expires - other.expires);
}

function read(key: string): Unfinished | null {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null") as Unfinished | null;
  } catch {
    return null;
  }
}

type Known = Pick<Unfinished, "name" | "size" | "modified">;

/** The same file again: bytes of another one must never be put behind those that lie there already. */
export const isSame = (file: File, known: Known): boolean =>
  file.name === known.name && file.size === known.size && file.lastModified === known.modified;

/** Some browsers can lend a dropped file again after a reload, if the reader agrees. */
export async function keepHandle(id: string, handle: FileSystemFileHandle): Promise<void> {
  await withHandles("readwrite", (store) => store.put(handle, id));
}

type Asks = (wanted: { mode: "read" }) => Promise<PermissionState>;
type Lendable = FileSystemFileHandle & { queryPermission?: Asks; requestPermission?: Asks };

/** The file behind a kept handle; nothing where there is none, or the reader or the browser says no. */
export async function fileAgain(id: string, ask: boolean): Promise<File | null> {
  const handle = await handleOf(id);
  try {
    const said = await (ask ? handle?.requestPermission : handle?.queryPermission)?.call(handle, { mode: "read" });
    return said === "granted" && handle ? await handle.getFile() : null;
  } catch {
    return null;
  }
}

/** The browser can be asked for the file, without a choice by the reader. */
export const isKept = async (id: string): Promise<boolean> => (await handleOf(id)) !== undefined;

const handleOf = async (id: string): Promise<Lendable | undefined> =>
  (await withHandles("readonly", (store) => store.get(id))) as Lendable | undefined;

async function withHandles(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest): Promise<unknown> {
  try {
    const database = await open();
    try {
      return await settled(work(database.transaction(HANDLES, mode).objectStore(HANDLES)));
    } finally {
      database.close();
    }
  } catch {
    return undefined;
  }
}

function open(): Promise<IDBDatabase> {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(HANDLES);
  return settled(opening) as Promise<IDBDatabase>;
}

const settled = <Result>(asked: IDBRequest<Result>): Promise<Result> =>
  new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error ?? new Error("no database"));
  });

const lockName = (id: string): string => PREFIX + id;

/** This window sends it; the answer lets go again. Another window that sends it already: nothing. */
export function claim(id: string): Promise<(() => void) | null> {
  if (!navigator.locks) return Promise.resolve(() => undefined);
  return new Promise((resolve) => {
    void navigator.locks.request(lockName(id), { ifAvailable: true }, (lock) => {
      if (!lock) return resolve(null);
      return new Promise<void>((release) => resolve(release));
    });
  });
}

/** Those that some window sends right now. */
export async function claimed(): Promise<Set<string>> {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  return new Set(held.flatMap(({ name }) => (name?.startsWith(PREFIX) ? [name.slice(PREFIX.length)] : [])));
}

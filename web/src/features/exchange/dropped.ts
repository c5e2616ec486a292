/** What somebody dropped or picked: files with the folders they lie in. */

export type Picked = { file: File; folders: string[]; handle?: FileSystemFileHandle | undefined };
/** `folders`: each as its path from the drop, parents before children; also those without a file. */
export type Haul = { files: Picked[]; folders: string[][] };

/** What systems put into folders for themselves. */
const LITTER = new Set([".DS_Store", "Thumbs.db", "desktop.ini"]);

type WithHandle = DataTransferItem & { getAsFileSystemHandle?: () => Promise<FileSystemHandle | null> };

/** Reads what was dropped. Everything is asked of the items at once: after the first wait the browser has emptied them. */
export async function readDrop(items: DataTransferItemList): Promise<Haul> {
  const asked = [...items]
    .filter((item) => item.kind === "file")
    .map((item) => ({
      entry: item.webkitGetAsEntry(),
      file: item.getAsFile(),
      handle: (item as WithHandle).getAsFileSystemHandle?.().catch(() => null),
    }));
  const haul: Haul = { files: [], folders: [] };
  for (const { entry, file, handle } of asked) {
    if (entry?.isDirectory) await walk(entry as FileSystemDirectoryEntry, [], haul);
    else if (file) haul.files.push({ file, folders: [], handle: asFile((await handle) ?? null) });
  }
  return haul;
}

function asFile(handle: FileSystemHandle | null): FileSystemFileHandle | undefined {
  return handle?.kind === "file" ? (handle as FileSystemFileHandle) : undefined;
}

async function walk(folder: FileSystemDirectoryEntry, above: string[], haul: Haul): Promise<void> {
  const path = [...above, folder.name];
  haul.folders.push(path);
  for (const entry of await childrenOf(folder)) {
    if (entry.isDirectory) await walk(entry as FileSystemDirectoryEntry, path, haul);
    else if (!LITTER.has(entry.name)) haul.files.push({ file: await fileOf(entry as FileSystemFileEntry), folders: path });
  }
}

/** The browser gives a hundred at a time, and none when all were given. */
async function childrenOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}

const fileOf = (entry: FileSystemFileEntry): Promise<File> =>
  new Promise((resolve, reject) => entry.file(resolve, reject));

/** What was chosen in the browser's file dialog; a chosen folder names its files by their paths. */
export function readPicked(files: Iterable<File>): Haul {
  const haul: Haul = { files: [], folders: [] };
  const known = new Set<string>();
  for (const file of files) {
    const folders = file.webkitRelativePath.split("/").slice(0, -1);
    folders.forEach((_, index) => {
      const path = folders.slice(0, index + 1);
      if (known.has(path.join("/"))) return;
      known.add(path.join("/"));
      haul.folders.push(path);
    });
    if (!LITTER.has(file.name)) haul.files.push({ file, folders });
  }
  return haul;
}

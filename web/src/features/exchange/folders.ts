/** The folders of a drop, made where they are missing. */
import { Problem } from "@/lib/problem";

import { findFolder, makeFolder } from "@/features/exchange/calls";

const key = (path: string[]): string => path.join("/");

export class Folders {
  #ids = new Map<string, string>();

  constructor(parent: string) {
    this.#ids.set("", parent);
  }

  /** One that is there already is used. Its parent was made before it. */
  async make(path: string[]): Promise<void> {
    const above = this.of(path.slice(0, -1));
    const name = path.at(-1);
    if (above === undefined || name === undefined) return;
    this.#ids.set(key(path), await made(above, name));
  }

  /** The id of a folder; nothing for one that could not be made. */
  of(path: string[]): string | undefined {
    return this.#ids.get(key(path));
  }
}

async function made(parent: string, name: string): Promise<string> {
  try {
    return (await makeFolder(parent, name)).id;
  } catch (thrown) {
    const there = thrown instanceof Problem && thrown.status === 409 ? await findFolder(parent, name) : undefined;
    if (!there) throw thrown;
    return there.id;
  }
}

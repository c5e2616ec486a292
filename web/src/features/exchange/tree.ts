/** A tree of folders as the lines that are seen, and where a key leads. Pure. */

export type Folder = { id: string; name: string };
export type Line = Folder & { level: number; parent: string | undefined; open: boolean };

/** `children`: what is known; `open`: which show theirs. */
export function linesOf(root: Folder, children: ReadonlyMap<string, Folder[]>, open: ReadonlySet<string>): Line[] {
  const lines: Line[] = [];
  const add = (folder: Folder, level: number, parent?: string): void => {
    lines.push({ id: folder.id, name: folder.name, level, parent, open: open.has(folder.id) });
    if (open.has(folder.id)) for (const child of children.get(folder.id) ?? []) add(child, level + 1, folder.id);
  };
  add(root, 1);
  return lines;
}

export type Step = { to?: string; open?: string; close?: string };

/** What an arrow key does on a line, as trees of the desktop do it. */
export function step(lines: Line[], at: string, key: string): Step | undefined {
  const index = lines.findIndex(({ id }) => id === at);
  const line = lines[index];
  if (!line) return undefined;
  const go = (to: Line | undefined): Step => (to ? { to: to.id } : {});
  switch (key) {
    case "ArrowDown":
      return go(lines[index + 1]);
    case "ArrowUp":
      return go(lines[index - 1]);
    case "Home":
      return go(lines[0]);
    case "End":
      return go(lines.at(-1));
    case "ArrowRight":
      if (!line.open) return { open: at };
      return go(lines.find(({ parent }) => parent === at));
    case "ArrowLeft":
      if (line.open) return { close: at };
      return line.parent ? { to: line.parent } : {};
    default:
      return undefined;
  }
}

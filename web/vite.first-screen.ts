import { gzipSync } from "node:zlib";

import type { OutputBundle, OutputChunk } from "rolldown";
import type { Plugin } from "vite";

const MOST_BYTES = 30_000;
const FIRST_PAGE = "features/access/SignIn.svelte";

/** The first screen: its script is fetched at once, and the build fails when it grows beyond 30 kB (gzip). */
export function firstScreen(): Plugin {
  return {
    name: "first-screen",
    enforce: "pre",
    // Vite's helper that fetches a page's parts ahead has nothing to do here: one sheet, and parts this small.
    load: (id) => (id === "\0vite/preload-helper.js" ? "export const __vitePreload = (load) => load();" : null),
    transformIndexHtml: {
      order: "post",
      handler: (_, { chunk }) =>
        (chunk?.imports ?? []).map((file) => ({
          tag: "link",
          attrs: { rel: "modulepreload", crossorigin: true, href: `/${file}` },
          injectTo: "head" as const,
        })),
    },
    generateBundle(_, bundle) {
      const files = needed(bundle, (chunk) => chunk.isEntry || Boolean(chunk.facadeModuleId?.endsWith(FIRST_PAGE)));
      const bytes = files.reduce((sum, file) => sum + gzipSync((bundle[file] as OutputChunk).code).length, 0);
      this.info(`first screen: ${bytes} bytes of script (gzip) in ${files.length} files`);
      if (bytes > MOST_BYTES) this.error(`the first screen needs ${bytes} bytes of script, more than ${MOST_BYTES}`);
    },
  };
}

function needed(bundle: OutputBundle, isFirst: (chunk: OutputChunk) => boolean): string[] {
  const found = new Set<string>();
  const add = (file: string): void => {
    const chunk = bundle[file];
    if (chunk?.type !== "chunk" || found.has(file)) return;
    found.add(file);
    chunk.imports.forEach(add);
  };
  for (const chunk of Object.values(bundle)) if (chunk.type === "chunk" && isFirst(chunk)) add(chunk.fileName);
  return [...found];
}

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

import { firstScreen } from "./vite.first-screen.ts";

export default defineConfig({
  plugins: [svelte(), firstScreen()],
  resolve: { alias: { "@": new URL("./src", import.meta.url).pathname } },
  build: {
    // Browsers that know light-dark(), popover and constructed style sheets; older ones get no polyfill.
    target: ["chrome125", "firefox128", "safari17.5"],
    // The page's security policy allows no data: styles or scripts, so nothing is put inline.
    assetsInlineLimit: 0,
    // One small sheet instead of a dozen tiny ones that would hold up each page.
    cssCodeSplit: false,
    modulePreload: false,
    rolldownOptions: { checks: { bundlerTimings: false } },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8080", "/dev/mail": "http://127.0.0.1:8080" } },
  test: { include: ["src/**/*.test.ts"] },
});

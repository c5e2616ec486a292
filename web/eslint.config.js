import js from "@eslint/js";
import svelte from "eslint-plugin-svelte";
import globals from "globals";
import ts from "typescript-eslint";

import svelteConfig from "./svelte.config.js";

/** The import order: lib, then ui, then features, then app. A feature never knows another one. */
const features = ["access", "files", "exchange", "users", "operator", "overview", "help", "graphs", "contracts", "contacts", "security", "profile"];

const forbid = (files, patterns) => ({
  files: files.flatMap((folder) => [`src/${folder}/**/*.ts`, `src/${folder}/**/*.svelte`]),
  rules: {
    "no-restricted-imports": [
      "error",
      { patterns: patterns.map(([group, message]) => ({ group, message })) },
    ],
  },
});

const relative = [["../*", "./../*"], "Import through @/ so that the order can be checked."];

export default ts.config(
  { ignores: ["dist/", "node_modules/", "src/api.gen.ts"] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  {
    languageOptions: { globals: globals.browser },
    rules: {
      "@typescript-eslint/consistent-type-definitions": ["error", "type"],
      "@typescript-eslint/consistent-type-imports": "error",
      "no-console": "error",
      "max-lines": ["error", 400],
      complexity: ["error", 12],
      eqeqeq: "error",
    },
  },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: { parserOptions: { parser: ts.parser, extraFileExtensions: [".svelte"], svelteConfig } },
    rules: {
      "svelte/no-at-html-tags": "error",
      // The security policy forbids style attributes; style: directives go through the object model.
      "svelte/no-inline-styles": ["error", { allowTransitions: false }],
      "svelte/button-has-type": "error",
      "svelte/no-target-blank": "error",
      // Addresses are read and written at once here, never kept.
      "svelte/prefer-svelte-reactivity": "off",
      // Links are caught in one place (lib/router); there is no SvelteKit here.
      "svelte/no-navigation-without-resolve": "off",
    },
  },
  forbid(["lib"], [relative, [["@/ui/*", "@/features/*", "@/app/*"], "lib knows nobody above it."]]),
  forbid(["ui"], [relative, [["@/features/*", "@/app/*"], "ui knows lib only."]]),
  ...features.map((own) =>
    forbid(
      [`features/${own}`],
      [
        relative,
        [["@/app/*"], "Features do not know the app."],
        [
          features.filter((other) => other !== own).map((other) => `@/features/${other}/*`),
          "Features never import each other.",
        ],
      ],
    ),
  ),
);

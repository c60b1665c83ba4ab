import { readFileSync } from "node:fs";

const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { readonly version: string };

/** The version of this copy of Reprise. Its records name it, so that it is known which build did what. */
export const build: string = manifest.version;

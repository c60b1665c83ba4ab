import { readFileSync } from "node:fs";

const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { readonly version: string };

/** The version of this copy of Reprise. Its records name it, so that it is known which build did what. */
export const build: string = manifest.version;

/** What a project may call a build of its own. */
export function isBuild(value: unknown): value is string {
  return typeof value === "string" && /^[\x21-\x7e]{1,64}$/.test(value);
}

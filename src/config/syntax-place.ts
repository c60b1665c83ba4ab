/** Finds the place of a syntax error in a user's JavaScript files. V8 tells the place in a module only when the file is checked alone. */
import { spawnSync } from "node:child_process";
import { textAt } from "../event/thrown.ts";
import { headPlaceOf, isUsers, toPath } from "../event/user-place.ts";

const maxFiles = 200;
const maxChecked = 20;
const checkMs = 5_000;
/** Modules in the order in which they were asked for. The one that fails to load is among the last. */
const files = new Set<string>();

/** Remembers a module that a config, or what it imports, asks for. */
export function rememberModule(url: string): void {
  const path = url.startsWith("file:") ? toPath(url) : "";
  if (files.size < maxFiles && /\.[cm]?[jt]s$/.test(path) && isUsers(path)) files.add(path);
}

/** `<file>:<line>`; undefined when none of the files has a syntax error: then running code threw it, as JSON.parse does. */
export function syntaxPlaceOf(error: unknown): string | undefined {
  const told = headPlaceOf(error);
  const message = textAt(error, "message");
  if (told !== undefined || message === undefined) return told;
  for (const file of [...files].slice(-maxChecked).reverse()) {
    const { status, stderr } = spawnSync(process.execPath, ["--check", file], { encoding: "utf8", timeout: checkMs });
    // This check of a single file does not strip types, so any other error that it finds does not count.
    const place = status !== 0 && stderr.includes(message) ? headPlaceOf({ stack: stderr }) : undefined;
    if (place !== undefined) return place;
  }
  return undefined;
}

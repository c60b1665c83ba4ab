import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";

/** The longest wait for another program's lock, because the thread does nothing else meanwhile. */
export const lockPatienceMs = 200;

/** The file as SQLite has it. For `access` see openDatabase. */
export function openRaw(path: string, access: "write" | "read" | "frozen"): DatabaseSync {
  return new DatabaseSync(existing(path, access), { timeout: lockPatienceMs, enableForeignKeyConstraints: false, readOnly: access !== "write" });
}

/** SQLite would make an empty file where there is none. */
function existing(path: string, access: "write" | "read" | "frozen"): URL {
  const url = pathToFileURL(path);
  url.searchParams.set("mode", access === "write" ? "rw" : "ro");
  if (access === "frozen") url.searchParams.set("immutable", "1");
  return url;
}

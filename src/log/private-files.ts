/**
 * Files that only this user may read or lock, whatever the umask: they hold payloads, and whoever may open `-shm` or `lock.db` can keep the owner from writing
 * or from starting.
 */
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { syncFolder } from "./durable-files.ts";

const fileMode = 0o600;
const folderMode = 0o700;
/** The sticky bit, which a folder for all users such as /tmp has. */
const sticky = 0o1000;

/** Makes the folder durably, or tightens the mode of an existing one if it belongs to this user. */
export function makePrivateFolder(folder: string): void {
  const first = mkdirSync(folder, { recursive: true, mode: folderMode });
  tighten(folder, folderMode);
  if (first === undefined) return;
  for (let made = folder; ; made = dirname(made)) {
    syncFolder(made);
    if (made === first || dirname(made) === made) return;
  }
}

/** Makes an empty file, or tightens the mode of an existing one. It does not open that one, because closing it would end this process's locks on it. */
export function makePrivateFile(path: string): void {
  if (!existsSync(path)) closeSync(openSync(path, "a", fileMode));
  tighten(path, fileMode);
}

/** Tightens the modes of a database's file and of SQLite's files beside it, as far as they exist. SQLite gives new ones the mode of the first. */
export function tightenDatabase(path: string): void {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) tighten(path + suffix, fileMode);
}

function tighten(path: string, mode: number): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || !isOurs(found) || (found.mode & 0o777) === mode || (found.isDirectory() && (found.mode & sticky) !== 0)) return;
  chmodSync(path, mode);
}

/** We do not change another user's file, and Windows has no such modes. */
function isOurs({ uid }: Stats): boolean {
  return process.getuid !== undefined && process.getuid() === uid;
}

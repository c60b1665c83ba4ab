/**
 * Files that only this user may read or lock, whatever the umask: they hold payloads, and whoever may open `-shm` or `lock.db` can keep the owner from writing
 * or from starting.
 */
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { syncFolder } from "./durable-files.ts";

const fileMode = 0o600;
const folderMode = 0o700;
/** Of a folder such as /tmp, which is everybody's. */
const sticky = 0o1000;

/** Makes the folder, durably, or tightens the one that is there, as far as it is this user's. */
export function makePrivateFolder(folder: string): void {
  const first = mkdirSync(folder, { recursive: true, mode: folderMode });
  tighten(folder, folderMode);
  if (first === undefined) return;
  for (let made = folder; ; made = dirname(made)) {
    syncFolder(made);
    if (made === first || dirname(made) === made) return;
  }
}

/** Makes an empty file, or tightens the one that is there. That one is not opened: closing it would end the locks that this process has on it. */
export function makePrivateFile(path: string): void {
  if (!existsSync(path)) closeSync(openSync(path, "a", fileMode));
  tighten(path, fileMode);
}

/** Tightens a database's file and what SQLite keeps beside it, as far as they are there. SQLite gives new ones the mode of the first. */
export function tightenDatabase(path: string): void {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) tighten(path + suffix, fileMode);
}

function tighten(path: string, mode: number): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || !isOurs(found) || (found.mode & 0o777) === mode || (found.isDirectory() && (found.mode & sticky) !== 0)) return;
  chmodSync(path, mode);
}

/** Another user's file is not ours to change; Windows knows no such modes. */
function isOurs({ uid }: Stats): boolean {
  return process.getuid !== undefined && process.getuid() === uid;
}

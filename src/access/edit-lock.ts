/**
 * Lets one process at a time edit a file. The lock is the system's own, on a file beside it, by way of SQLite: it ends with its process, also by SIGKILL, so that
 * nothing that lies there can hold it: no empty file, no number of a process that is used again.
 */
import { closeSync, fstatSync, openSync, rmSync, statSync, truncateSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { RepriseError } from "../errors.ts";
import { messageOf } from "../event/thrown.ts";
import { makePrivateFile } from "../log/private-files.ts";

const sqliteBusy = 5;
const sqliteNotADatabase = 26;
/** A read that finds another size than the file had, or another file: somebody else emptied or removed it at the same time. */
const sqliteChangedUnderneath = [8, 10, 14];
/** More than the editors that may end between two looks. */
const maxTries = 10;

/** @returns what ends the lock. @throws CONFIG_INVALID while another process edits. */
export function lockForEdit(path: string): () => void {
  for (let tries = 0; tries < maxTries; tries++) {
    makePrivateFile(path);
    const held = hold(path);
    if (held === null) continue;
    const db = openOrRelease(path, held.fd, tries + 1 === maxTries);
    const close = () => {
      db?.close();
      closeSync(held.fd); // after the lock: POSIX ends a process's locks on a file with any of its descriptors
    };
    if (db !== null && fileAt(path) === held.inode)
      return () => {
        removeIfPossible(path); // before the lock ends: whoever waits for it sees that the file is another one
        close();
      };
    close();
  }
  throw inUse(path);
}

function openOrRelease(path: string, fd: number, isLastTry: boolean): DatabaseSync | null {
  try {
    return open(path, isLastTry);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Null for a file that is no lock, but was one of an earlier version: it is emptied. An editor that has it locked does not read it. */
function open(path: string, isLastTry: boolean): DatabaseSync | null {
  let db: DatabaseSync | null = null;
  try {
    db = new DatabaseSync(path, { timeout: 0 });
    db.exec("pragma locking_mode=exclusive; begin exclusive");
    return db;
  } catch (error) {
    db?.close();
    const code = ((error as { readonly errcode?: number }).errcode ?? 0) & 255;
    if (code === sqliteBusy) throw inUse(path);
    if (sqliteChangedUnderneath.includes(code) && !isLastTry) return null;
    if (code !== sqliteNotADatabase)
      throw new RepriseError("CONFIG_INVALID", `The lock ${path} cannot be had (${messageOf(error)}): remove it if it is another user's.`);
    truncateSync(path, 0);
    return null;
  }
}

/** Keeps the file open, so that no other file gets its number while SQLite opens what has its name. Null: it was removed at this moment. */
function hold(path: string): { readonly fd: number; readonly inode: number } | null {
  try {
    const fd = openSync(path, "r+");
    return { fd, inode: fstatSync(fd).ino };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new RepriseError("CONFIG_INVALID", `The lock ${path} cannot be had (${messageOf(error)}): remove it if it is another user's.`);
  }
}

function fileAt(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? null;
}

/** Windows keeps an open file. It is empty and free, and the next editor takes it. */
function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {}
}

function inUse(path: string): RepriseError {
  return new RepriseError("CONFIG_INVALID", `Another process edits the key file just now (${path}): run the command again.`);
}

/** Writes files that are whole under their name, or not there, even after a power cut. Errors of the disk are passed on: a failed sync is a failed write. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";

/** Syncs a folder, because the name of a new file in it has to reach the disk, too. @throws the disk's error. */
export function syncFolder(path: string): void {
  syncNow(dirname(path), "r");
}

/** Syncs a file that is there. @throws the disk's error. */
export function syncFile(path: string): void {
  syncNow(path, "r+");
}

function syncNow(path: string, flags: "r" | "r+"): void {
  const file = openSync(path, flags);
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Syncs a file (`r+`) or a folder itself (`r`) while this thread does other things. @throws the disk's error. */
export async function syncBeside(path: string, flags: "r" | "r+"): Promise<void> {
  const file = await open(path, flags);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Writes all of a text, because one call may write only a part. */
export function writeText(file: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done);
}

/** Replaces a file by a text. @throws the disk's error; the old file is still there then. */
export function replaceFile(path: string, text: string): void {
  const draft = `${path}.new`;
  try {
    const file = openSync(draft, "w");
    try {
      writeText(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  syncFolder(path);
}

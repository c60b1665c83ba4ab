/** Tells whether a file may be made anew, and whether SQLite's error means that it has to be. */
import { closeSync, openSync, readSync } from "node:fs";

/** SQLite's error codes for a file whose pages or rows are damaged; 19: a row exists already for an event that the log says is new. */
const damageCodes = [11, 19, 26];

/** A number that is too large is damage, too, because no row of ours has one. */
export function isDamage(error: unknown): boolean {
  const { errcode, code } = error as { readonly errcode?: number; readonly code?: string };
  return code === "ERR_OUT_OF_RANGE" || (errcode !== undefined && damageCodes.includes(errcode & 255));
}

/**
 * Tells the owner of a file by its first bytes. `another`: it belongs to another program and is never removed. Our own file has our application id, even when
 * the rest is damaged. `unmarked`: an SQLite file without an owner's mark, whose tables have to be looked at.
 */
export function ownerOf(file: string, applicationId: number): "ours" | "another" | "unmarked" {
  const header = Buffer.alloc(100);
  const opened = openSync(file, "r");
  let bytes: number;
  try {
    bytes = readSync(opened, header, 0, 100, 0);
  } finally {
    closeSync(opened);
  }
  if (bytes === 0) return "unmarked";
  if (bytes === 100 && header.readUInt32BE(68) === applicationId) return "ours";
  return header.toString("latin1", 0, 16) === "SQLite format 3\0" ? "unmarked" : "another";
}

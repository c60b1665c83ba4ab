/** Whether a file may be made anew, and whether what SQLite says of one means that it has to be. */
import { closeSync, openSync, readSync } from "node:fs";

/** What SQLite says of a file whose pages or rows are not what was written; 19: a row stands in the way of one that the log says is new. */
const damageCodes = [11, 19, 26];

/** A number beyond all numbers is damage, too: no row of ours has one. */
export function isDamage(error: unknown): boolean {
  const { errcode, code } = error as { readonly errcode?: number; readonly code?: string };
  return code === "ERR_OUT_OF_RANGE" || (errcode !== undefined && damageCodes.includes(errcode & 255));
}

/**
 * Whose file it is, by its first bytes: `another`'s is never removed. A file of ours is known by its application id, also where the rest is damaged.
 * `unmarked`: SQLite's, and says of nobody: its tables have to be looked at.
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

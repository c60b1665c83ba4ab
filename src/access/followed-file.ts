/** A small file that a running service reads again whenever it has changed. Whatever stands in its place then, the service neither waits for it nor ends by it. */
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from "node:fs";

export interface FollowedFile {
  readonly bytes: Buffer;
  readonly mode: number;
  /** Who owns it: a user's number. */
  readonly uid: number;
}

/** Without it, opening a named pipe waits until somebody writes into it, and the service with it. Windows has no such flag, and no such pipes. */
const withoutWaiting = constants.O_NONBLOCK ?? 0;

/** @throws what the disk says; also for what is no regular file, or has more bytes than it may. */
export function readFollowedFile(path: string, maxBytes: number): FollowedFile {
  const file = openSync(path, constants.O_RDONLY | withoutWaiting);
  try {
    const found = fstatSync(file);
    if (!found.isFile()) throw new Error("it is no regular file");
    // One byte more than there should be: a file that grows meanwhile is seen, too.
    const bytes = Buffer.alloc(Math.min(found.size, maxBytes) + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) read = readSync(file, bytes, length, bytes.length - length, null);
    if (length > maxBytes) throw new Error(`it has more than ${maxBytes} bytes`);
    if (length > found.size) throw new Error("it is being written");
    return { bytes: bytes.subarray(0, length), mode: found.mode, uid: found.uid };
  } finally {
    closeSync(file);
  }
}

/** What changes when a file is replaced or written; another text, always the same one, while it cannot be looked at. */
export function printOf(path: string): string {
  try {
    const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [ino, size, mtimeNs, ctimeNs].join(" ");
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "unknown";
  }
}

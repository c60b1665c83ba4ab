/** Small files that a running service reads again whenever they have changed. Whatever stands in their place then, the service neither waits for it nor ends by it. */
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from "node:fs";
import { isRepriseError, RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import { messageOf } from "../event/thrown.ts";

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

/** What files look like from outside: another text once one of them is replaced or written. Taken before they are read, so that no change is missed. */
export function printOf(paths: readonly string[]): string {
  return paths.map(printOfOne).join("\n");
}

export interface Follow {
  readonly paths: readonly string[];
  /** What they looked like before they were read last. */
  readonly print: string;
  readonly everyMs: number;
  readonly clock: Clock;
  /** Reads the files and takes what they say. Throws when they cannot be used: then what they said before stays in force. */
  readonly read: () => void;
  /** Told once of each trouble. */
  readonly onTrouble: (error: RepriseError) => void;
}

/** Reads files again whenever one of them has changed, and at each look while they cannot be used. */
export function followFiles({ paths, print, everyMs, clock, read, onTrouble }: Follow): { trouble(): RepriseError | null; close(): void } {
  let seen = print;
  let trouble: RepriseError | null = null;
  const look = (): void => {
    timer = clock.after(everyMs, look);
    const now = printOf(paths);
    if (now === seen && trouble === null) return;
    seen = now;
    const before = trouble?.message;
    try {
      read();
      trouble = null;
    } catch (error) {
      trouble = isRepriseError(error) ? error : new RepriseError("CONFIG_INVALID", `${paths.join(", ")} cannot be read: ${messageOf(error)}.`);
      if (trouble.message !== before) onTrouble(trouble);
    }
  };
  let timer = clock.after(everyMs, look);
  return { trouble: () => trouble, close: () => timer.cancel() };
}

function printOfOne(path: string): string {
  try {
    const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [ino, size, mtimeNs, ctimeNs].join(" ");
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "unknown";
  }
}

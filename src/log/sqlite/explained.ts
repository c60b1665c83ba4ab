import { systemClock } from "../../event/clock.ts";
import { isDamage, isWriteFailure } from "./sqlite-error.ts";
import type { WriteAheadLog } from "./wal.ts";

const unreadableForMs = 1000;

/**
 * Turns an error of SQLite into the disk's error behind it; other errors stay as they are. SQLite calls an unreadable file "malformed", and the disk may have
 * come back between SQLite's read and the look at it. So a disk that did not answer a moment ago is still taken for the cause.
 *
 * @param wal null where nothing is written.
 */
export function makeExplained(wal: () => WriteAheadLog | null): (error: unknown) => unknown {
  let unreadable: { readonly error: unknown; readonly atMs: number } | null = null;
  const whyNotRead = (): unknown => {
    const nowMs = systemClock.monotonicMs();
    if (unreadable !== null && nowMs - unreadable.atMs < unreadableForMs) return unreadable.error;
    const error = wal()?.whyNotRead() ?? null;
    unreadable = error === null ? null : { error, atMs: nowMs };
    return error;
  };
  return (error) => (isWriteFailure(error) ? wal()?.whyNotWritten() : isDamage(error) ? whyNotRead() : null) ?? error;
}

import { RepriseError } from "../errors.ts";
import type { Full } from "../event/shared-room.ts";

/** The number that waits is everybody's, and nobody is told it. */
export function tooManyWait(full: Full): RepriseError {
  const what = full === "tenant" ? "Too many appends of this tenant are waiting for the log" : "Too many appends are waiting for the log";
  return new RepriseError("LOG_UNAVAILABLE", `${what}: its disk or server is slower than they come.`, { retryAfterMs: 100, fields: { limitOf: full } });
}

import { isLogTrouble, isRepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import type { NewEvent } from "../../event/event.ts";
import { backOff } from "../../event/waits.ts";
import type { AppendedEvent, EventLog, ExpectedRevision } from "../../log/event-log.ts";

export interface RecordActNeeds {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const waits = { firstMs: 100, lastMs: 5000 };

/**
 * Appends the record of an act to a stream. When the end of the append is unclear, this looks for the record until the log answers. So it resolves when
 * the record is stored and throws when it is not, however long that takes. The caller limits the time that it waits for this. The act itself is done after it.
 *
 * @param signal ends the search: the service stops.
 * @throws LOG_FULL, LOG_UNAVAILABLE, REVISION_CONFLICT: nothing was stored.
 */
export async function recordAct(
  { log, clock, signal }: RecordActNeeds,
  { stream, events, expected }: { readonly stream: string; readonly events: readonly NewEvent[]; readonly expected: ExpectedRevision },
): Promise<AppendedEvent> {
  try {
    return (await log.append(stream, events, expected)).at(-1)!;
  } catch (error) {
    if (!isLogTrouble(error) || isRepriseError(error, "LOG_FULL")) throw error;
    for (let failures = 0; ; failures++) {
      try {
        const stored = await find(log, stream, events.at(-1)!.id, signal);
        if (stored !== undefined) return stored;
        throw error;
      } catch (unread) {
        if (unread === error || signal.aborted) throw error;
        await backOff(failures, waits, clock, signal);
      }
    }
  }
}

/** Looks among the last events of the stream only, since the record was appended a moment ago. */
async function find(log: EventLog, stream: string, id: string, signal: AbortSignal): Promise<AppendedEvent | undefined> {
  for await (const batch of log.readStream(stream, { direction: "backward", limit: 1000, signal }))
    for (const { id: found, revision, position, recordedAt } of batch) if (found === id) return { id, revision, position, recordedAt, duplicate: true };
  return undefined;
}

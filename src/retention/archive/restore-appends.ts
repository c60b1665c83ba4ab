import { RepriseError } from "../../errors.ts";
import type { StoredEvent } from "../../event/event.ts";
import { restoredStream } from "../../event/names.ts";
import { encodeAppend } from "../../log/append-rules.ts";
import { type EventLog, maxAppendBytes, maxAppendEvents } from "../../log/event-log.ts";
import { type RestoredHow, toRestoredEvent } from "../../records/restored.ts";

interface RestoreAppends {
  add(event: StoredEvent): Promise<void>;
  end(): Promise<{ readonly streams: number; readonly events: number; readonly present: number }>;
}

/** What waits to be appended: as much as one commit of an embedded log takes. */
const windowEvents = maxAppendEvents;
const windowBytes = 2 * maxAppendBytes;

interface Run {
  readonly events: StoredEvent[];
  bytes: number;
}

/**
 * Each stream's events of a window make one append, because on a server an append costs as much as hundreds of events. Streams keep their order, and among each
 * other that of the windows. What a stream has already is passed over, so a restore that was cut off goes on.
 */
export function makeRestoreAppends(log: EventLog, how: RestoredHow): RestoreAppends {
  /** Where the streams end by now. */
  const heads = new Map<string, number>();
  let window = new Map<string, Run>();
  const waiting = { events: 0, bytes: 0 };
  let [events, present] = [0, 0];
  const targetOf = (stream: string): string => (how === "in_place" ? stream : restoredStream(stream));

  async function append(stream: string, { events: sent }: Run): Promise<void> {
    const [first] = sent;
    const expected = first!.revision === 0 ? "none" : first!.revision - 1;
    if (how === "beside") await log.append(stream, sent.map(toRestoredEvent), expected);
    else await log.append(stream, sent, expected, { recordedAt: sent.map(({ recordedAt }) => recordedAt) });
    events += sent.length;
  }

  async function flush(): Promise<void> {
    const sent = window;
    window = new Map();
    Object.assign(waiting, { events: 0, bytes: 0 });
    const answers = await Promise.allSettled(Array.from(sent, ([stream, run]) => append(stream, run)));
    for (const answer of answers) if (answer.status === "rejected") throw answer.reason;
  }

  return {
    async add(event) {
      const stream = targetOf(event.stream);
      const head = heads.get(stream) ?? (await log.streamRevision(stream));
      if (event.revision <= head) {
        heads.set(stream, head);
        present++;
        return;
      }
      if (event.revision !== head + 1)
        throw new RepriseError(
          "REVISION_CONFLICT",
          `${event.stream} cannot be brought back: its events before revision ${event.revision} are in none of the segments.`,
          { fields: { expected: event.revision - 1, actual: head } },
        );
      const size = encodeAppend(stream, [how === "in_place" ? event : toRestoredEvent(event)], "any").bytes;
      const isFull = waiting.events === windowEvents || waiting.bytes + size > windowBytes || (window.get(stream)?.bytes ?? 0) + size > maxAppendBytes;
      if (isFull) await flush();
      const run = window.get(stream) ?? { events: [], bytes: 0 };
      window.set(stream, run);
      run.events.push(event);
      run.bytes += size;
      waiting.events++;
      waiting.bytes += size;
      heads.set(stream, event.revision);
    },
    async end() {
      await flush();
      return { streams: heads.size, events, present };
    },
  };
}

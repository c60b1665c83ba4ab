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

/** Neighbours of one stream make one append. What a stream has already is passed over, so a restore that was cut off goes on. */
export function makeRestoreAppends(log: EventLog, how: RestoredHow): RestoreAppends {
  /** Where the streams end by now. */
  const heads = new Map<string, number>();
  let run: StoredEvent[] = [];
  let bytes = 0;
  let [events, present] = [0, 0];
  const targetOf = (stream: string): string => (how === "in_place" ? stream : restoredStream(stream));

  async function flush(): Promise<void> {
    const sent = run;
    run = [];
    bytes = 0;
    const [first] = sent;
    if (first === undefined) return;
    const stream = targetOf(first.stream);
    const expected = first.revision === 0 ? "none" : first.revision - 1;
    if (how === "beside") await log.append(stream, sent.map(toRestoredEvent), expected);
    else await log.append(stream, sent, expected, { recordedAt: sent.map(({ recordedAt }) => recordedAt) });
    events += sent.length;
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
          {
            fields: { expected: event.revision - 1, actual: head },
          },
        );
      const size = encodeAppend(stream, [how === "in_place" ? event : toRestoredEvent(event)], "any").bytes;
      if (run.length > 0 && (run[0]!.stream !== event.stream || run.length === maxAppendEvents || bytes + size > maxAppendBytes)) await flush();
      run.push(event);
      bytes += size;
      heads.set(stream, event.revision);
    },
    async end() {
      await flush();
      return { streams: heads.size, events, present };
    },
  };
}

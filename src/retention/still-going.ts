/**
 * Between the verdict on an event and its removal, a segment is filled, stored and read back, and meanwhile somebody may have made a plan, or configured a
 * handler. So what holds events is read again before a segment goes on record, and what is held by now stays. Its copy in the archive is found by the run that
 * removes it in the end.
 */
import type { StoredEvent } from "../event/event.ts";
import { besideMs, makeTurns } from "../event/turns.ts";
import type { EventLog } from "../log/event-log.ts";
import type { Revisions, WrittenSegment } from "./archive/archive.ts";
import type { Leaving } from "./floors.ts";
import type { Holds } from "./holds.ts";

interface Needs {
  readonly log: Pick<EventLog, "readStream">;
  readonly holds: Holds;
  readonly leaving: Leaving;
}

export class StillGoing {
  readonly #needs: Needs;
  readonly #before: number;
  /** A stream loses only its beginning: behind an event that stays, all stays. */
  readonly #cut = new Set<string>();

  /** Made before the first verdict. */
  constructor(needs: Needs) {
    this.#needs = needs;
    this.#before = needs.holds.recorded;
  }

  async of(segment: WrittenSegment): Promise<WrittenSegment> {
    const { holds, leaving } = this.#needs;
    await holds.refresh();
    if (holds.recorded === this.#before) return segment;
    const streams = new Map<string, Revisions>();
    const turns = makeTurns(besideMs);
    for (const [stream, { first, last }] of segment.streams) {
      if (turns.due()) await turns.next();
      if (this.#cut.has(stream)) continue;
      const held = await this.#firstHeld(stream, first, last);
      if (held === null) streams.set(stream, { first, last });
      else {
        this.#cut.add(stream);
        leaving.stays(held);
        if (held.revision > first) streams.set(stream, { first, last: held.revision - 1 });
      }
    }
    return { ...segment, streams };
  }

  async #firstHeld(stream: string, first: number, last: number): Promise<StoredEvent | null> {
    for await (const batch of this.#needs.log.readStream(stream, { from: first, damaged: "given" }))
      for (const event of batch) {
        if (event.revision > last) return null;
        if (this.#needs.holds.of(event) !== null) return event;
      }
    return null;
  }
}

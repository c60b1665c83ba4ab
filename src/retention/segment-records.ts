/** What is recorded of a segment: which revisions of which streams went into it, in records that whoever follows the log folds in a moment. */

import type { ArchivedRange } from "../records/retention.ts";
import type { WrittenSegment } from "./archive/archive.ts";
import type { RetentionEntry } from "./retention-stream.ts";
import type { Going } from "./scan.ts";

/** Events that one record is about: rows of the views that one step removes. */
const recordEvents = 256;
/** Streams that one record names: their names have at most 512 characters. */
const recordStreams = 64;

export class SegmentRecords {
  readonly #runId: string;
  readonly #archive: string;
  /** The last event of each stream that was given to the archive, until its segment is there. */
  readonly #given = new Map<string, Going["event"]>();
  /** Streams whose last event is among them. */
  readonly #whole = new Set<string>();

  constructor(runId: string, archive: string) {
    this.#runId = runId;
    this.#archive = archive;
  }

  give({ event, place }: Going): void {
    this.#given.set(event.stream, event);
    if (event.revision === place.last) this.#whole.add(event.stream);
  }

  of({ entry, streams }: WrittenSegment): readonly RetentionEntry[] {
    const about = { runId: this.#runId, archive: this.#archive, segment: entry.name };
    const place = { after: String(entry.firstPosition - 1n), through: String(entry.lastPosition) };
    const ranges: ArchivedRange[] = [];
    for (const [stream, { first, last }] of streams) {
      for (let from = first; from <= last; from += recordEvents) {
        const before = Math.min(from + recordEvents, last + 1);
        ranges.push(before <= last ? [stream, from, before] : [stream, from, before, ...this.#endOf(stream, last)]);
      }
      if (this.#given.get(stream)?.revision === last) this.#given.delete(stream);
    }
    return grouped(ranges).map((group) => ({ type: "retention.archived", data: { ...about, ...place, streams: group } }));
  }

  #endOf(stream: string, last: number): [] | [string, string] {
    const event = this.#given.get(stream);
    return event?.revision === last && this.#whole.delete(stream) ? [event.position.toString(), event.recordedAt] : [];
  }
}

function grouped(ranges: readonly ArchivedRange[]): readonly (readonly ArchivedRange[])[] {
  const groups: ArchivedRange[][] = [];
  let events = Number.POSITIVE_INFINITY;
  for (const range of ranges) {
    const count = range[2] - range[1];
    if (events + count > recordEvents || groups.at(-1)!.length >= recordStreams) {
      groups.push([]);
      events = 0;
    }
    groups.at(-1)!.push(range);
    events += count;
  }
  return groups;
}

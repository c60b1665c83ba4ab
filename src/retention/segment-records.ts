/** What is recorded of a segment: which revisions of which streams went into it, in records that whoever follows the log folds in a moment. */

import type { StoredEvent } from "../event/event.ts";
import type { ArchivedRange, RetentionStreamData } from "../records/retention.ts";
import type { Revisions, WrittenSegment } from "./archive/archive.ts";
import type { RetentionEntry } from "./retention-stream.ts";
import type { Going } from "./scan.ts";

/** Which handlers on record want an event, and who they are. */
export interface Wanting {
  readonly names: readonly string[];
  wantedBy(event: StoredEvent): readonly string[];
}

/** What was given to the archive of a stream. */
interface Given {
  readonly tenant: string;
  last: Pick<StoredEvent, "revision" | "position" | "recordedAt">;
  events: { readonly revision: number; readonly type: string; readonly wantedBy: readonly string[] }[];
}

/** Events that one record is about: rows of the views that one step removes. */
const recordEvents = 256;
/** Streams that one record names: their names have at most 512 characters. */
const recordStreams = 64;

export class SegmentRecords {
  readonly #runId: string;
  readonly #archive: string;
  readonly #wanting: Wanting;
  /** By stream, until the segment is there. */
  readonly #given = new Map<string, Given>();
  /** Streams whose last event is among them. */
  readonly #whole = new Set<string>();

  constructor(runId: string, archive: string, wanting: Wanting) {
    this.#runId = runId;
    this.#archive = archive;
    this.#wanting = wanting;
  }

  give({ event, place }: Going): void {
    const { stream, revision, position, recordedAt, tenant, type } = event;
    const given = this.#given.get(stream) ?? { tenant, last: event, events: [] };
    this.#given.set(stream, given);
    given.last = { revision, position, recordedAt };
    given.events.push({ revision, type, wantedBy: this.#wanting.wantedBy(event) });
    if (revision === place.last) this.#whole.add(stream);
  }

  of({ entry, streams }: WrittenSegment): readonly RetentionEntry[] {
    const about = { runId: this.#runId, archive: this.#archive, segment: entry.name };
    const place = { after: String(entry.firstPosition - 1n), through: String(entry.lastPosition) };
    const groups = grouped(streams, (stream, last) => this.#endOf(stream, last));
    const entries = groups.map(
      (group): RetentionEntry => ({
        type: "retention.archived",
        data: { ...about, ...place, streams: group, ...this.#counted(group) },
      }),
    );
    for (const [stream, { last }] of streams) {
      const given = this.#given.get(stream);
      if (given !== undefined) given.events = given.events.filter(({ revision }) => revision > last);
      if (given?.events.length === 0) this.#given.delete(stream);
    }
    return entries;
  }

  #endOf(stream: string, last: number): [] | [string, string] {
    const end = this.#given.get(stream)?.last;
    return end?.revision === last && this.#whole.delete(stream) ? [end.position.toString(), end.recordedAt] : [];
  }

  #counted(group: readonly ArchivedRange[]): Pick<RetentionStreamData["retention.archived"], "handlers" | "types"> {
    const handlers = new Map<string, Map<string, number>>(this.#wanting.names.map((name) => [name, new Map()]));
    const types = new Map<string, Map<string, number>>();
    const count = (counts: Map<string, Map<string, number>>, name: string, tenant: string) => {
      const by = counts.get(name) ?? new Map<string, number>();
      counts.set(name, by.set(tenant, (by.get(tenant) ?? 0) + 1));
    };
    for (const [stream, first, before] of group) {
      const { tenant, events } = this.#given.get(stream) ?? { tenant: "", events: [] };
      for (const { revision, type, wantedBy } of events) {
        if (revision < first || revision >= before) continue;
        count(types, type, tenant);
        for (const name of wantedBy) count(handlers, name, tenant);
      }
    }
    return { handlers: plain(handlers), types: plain(types) };
  }
}

const plain = (counts: ReadonlyMap<string, ReadonlyMap<string, number>>) =>
  Object.fromEntries(Array.from(counts, ([name, by]) => [name, Object.fromEntries(by)]));

/** Ranges that have few enough events for one record. */
function grouped(
  streams: ReadonlyMap<string, Revisions>,
  endOf: (stream: string, last: number) => [] | [string, string],
): readonly (readonly ArchivedRange[])[] {
  const groups: ArchivedRange[][] = [];
  let events = Number.POSITIVE_INFINITY;
  for (const [stream, { first, last }] of streams)
    for (let from = first; from <= last; from += recordEvents) {
      const before = Math.min(from + recordEvents, last + 1);
      if (events + before - from > recordEvents || groups.at(-1)!.length >= recordStreams) {
        groups.push([]);
        events = 0;
      }
      groups.at(-1)!.push(before <= last ? [stream, from, before] : [stream, from, before, ...endOf(stream, last)]);
      events += before - from;
    }
  return groups;
}

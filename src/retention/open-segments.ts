/**
 * Which segments may have an event that the log still has: those that a run has left which did not come to its end, and those of which something was held in the
 * end. In all others no event has to be looked up. It is known from the records: a segment is done with when as many events as it has are on record as archived.
 */
import type { OpenSegmentsOf, RetentionFloors } from "../records/retention.ts";
import type { SegmentEntry } from "./archive/archive.ts";
import type { RecordedEvents } from "./recorded-events.ts";
import type { RetentionEntry } from "./retention-stream.ts";

/** Segments of an archive that a run's record names. With more of them the next run asks them all. */
const notedSegments = 256;

type SegmentsByArchive = NonNullable<RetentionFloors["segments"]>;

export class OpenSegments {
  readonly #before: SegmentsByArchive;
  readonly #recorded: RecordedEvents;
  readonly #left = new Map<string, OpenSegmentsOf | null>();

  /** @param before as the last run that came to its end has left it. @param recorded since then. */
  constructor(before: SegmentsByArchive, recorded: RecordedEvents) {
    this.#before = before;
    this.#recorded = recorded;
  }

  record(entries: readonly RetentionEntry[]): void {
    for (const entry of entries) if (entry.type === "retention.archived") this.#recorded.add(entry.data);
  }

  /** @param segments of the archive, oldest first. */
  among(archive: string, segments: readonly SegmentEntry[]): readonly SegmentEntry[] {
    return this.#among(archive, segments).map(([entry]) => entry);
  }

  /** The run is through with an archive. */
  leave(archive: string, segments: readonly SegmentEntry[]): void {
    const open = this.#among(archive, segments).map(([{ name }, events]) => [name, events] as const);
    const through = segments.at(-1)?.name;
    this.#left.set(archive, through === undefined || open.length > notedSegments ? null : { through, open });
  }

  /** For the next run. */
  left(): SegmentsByArchive {
    const all = [...new Map<string, OpenSegmentsOf | null>([...Object.entries(this.#before), ...this.#left])];
    return Object.fromEntries(all.flatMap(([archive, of]) => (of === null ? [] : [[archive, of]])));
  }

  #among(archive: string, segments: readonly SegmentEntry[]): readonly (readonly [entry: SegmentEntry, events: number])[] {
    const { through, open } = this.#before[archive] ?? { through: null, open: [] };
    const known = segments.findIndex(({ name }) => name === through);
    const left = new Map(open);
    return segments.flatMap((entry, index) => {
      const events = (index <= known ? (left.get(entry.name) ?? 0) : entry.events) - this.#recorded.of(archive, entry.name);
      return events > 0 ? [[entry, events] as const] : [];
    });
  }
}

import type { Position, StoredEvent } from "../../event/event.ts";

/** A segment as the manifest names it. */
export interface SegmentEntry {
  /** Made from what is in it: the same events make the same name. */
  readonly name: string;
  /** Of the file as it is stored, hexadecimal. */
  readonly sha256: string;
  /** Of the file. */
  readonly bytes: number;
  readonly events: number;
  /** The lowest position of its events, and the highest one. */
  readonly firstPosition: Position;
  readonly lastPosition: Position;
  /** `sha256` of the segment before it; null for the first one. */
  readonly previousSha256: string | null;
}

/** Revisions of one stream. */
export interface Revisions {
  readonly first: number;
  readonly last: number;
}

export interface WrittenSegment {
  readonly entry: SegmentEntry;
  /** What of the given events is in this segment. */
  readonly streams: ReadonlyMap<string, Revisions>;
  /** An earlier run has written it. */
  readonly present: boolean;
}

export interface ArchivedEvent {
  readonly event: StoredEvent;
  /** The name of its segment. */
  readonly segment: string;
}

/** The events of one log that have left it, or are about to. */
export interface Archive {
  readonly url: string;
  readonly logId: string;

  /**
   * Stores events as segments: each is written, read back, compared and named in the manifest before it is handed on. Killed at any moment and called again
   * with the same or more events, it stores none of them twice: what an earlier call has stored comes with `present`. Take one segment at a time, because
   * the next is not begun before.
   *
   * @param events in any order, of each stream by revision.
   * @param options `among`: of the segments that are there those that may have some of the events. Default: all; each event is looked up in each of them.
   * @throws ARCHIVE_UNAVAILABLE (call it again), ARCHIVE_DAMAGED, ARCHIVE_FOREIGN; LOG_DAMAGED for an event that is no longer as it was stored.
   */
  write(events: AsyncIterable<readonly StoredEvent[]>, options?: WriteOptions): AsyncIterable<WrittenSegment>;

  /** Oldest first. @throws ARCHIVE_UNAVAILABLE, ARCHIVE_DAMAGED, ARCHIVE_FOREIGN */
  segments(): Promise<readonly SegmentEntry[]>;

  /** All events of a segment, in its order, checked against the manifest first. @throws as `segments`; NOT_FOUND */
  read(segment: string): AsyncIterable<readonly StoredEvent[]>;

  /** Where an event is; null: not here. @throws as `segments` */
  find(tenant: string, eventId: string): Promise<ArchivedEvent | null>;

  /** One stream's events, by revision. Only the blocks that hold some are read. @throws as `segments` */
  stream(stream: string, options?: ArchivedStreamOptions): AsyncIterable<ArchivedEvent>;

  /** The names of the segments that have some of a stream, oldest first. @throws as `segments` */
  segmentsOf(stream: string): Promise<readonly string[]>;

  close(): Promise<void>;
}

export interface WriteOptions {
  readonly among?: (segments: readonly SegmentEntry[]) => readonly SegmentEntry[];
  readonly signal?: AbortSignal;
}

export interface ArchivedStreamOptions {
  /** The first revision wanted (backward: the last one). */
  readonly from?: number;
  readonly direction?: "forward" | "backward";
}

import { type PositionText, positionText, type StoredEvent } from "../event/event.ts";
import { restoredStream } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import type { SegmentEntry } from "../retention/archive/archive.ts";
import type { Archives } from "../retention/archive/archives.ts";
import type { EventView } from "../views/model/event.ts";
import type { PageOptions } from "../views/model/page.ts";

/** A segment as the manifest of its archive names it. */
export interface ArchivedSegment {
  readonly name: string;
  /** Of its file, hexadecimal. */
  readonly sha256: string;
  /** Of its file. */
  readonly bytes: number;
  readonly events: number;
  /** The lowest position of its events, and the highest one. */
  readonly firstPosition: PositionText;
  readonly lastPosition: PositionText;
  /** `sha256` of the segment before it; null for the first one. */
  readonly previousSha256: string | null;
  /** The address of its archive. */
  readonly archive: string;
}

export interface ArchivedEventView {
  readonly event: EventView;
  readonly segment: string;
  /** It was brought back since, and the log has it. */
  readonly restored: boolean;
}

/** Reads of events that have left the log. */
export interface ArchiveReads {
  /**
   * An event that has left the log, as today's schema has it, and its segment; undefined: it is in no archive.
   *
   * @throws ARCHIVE_UNAVAILABLE, ARCHIVE_DAMAGED
   */
  archivedEvent(tenant: string, id: string): Promise<ArchivedEventView | undefined>;
  /** All segments, of all tenants, oldest first. @throws as `archivedEvent`; REQUEST_INVALID for a cursor that no page gave */
  archivedSegments(page: PageOptions): Promise<{ readonly segments: readonly ArchivedSegment[]; readonly nextCursor: string | null }>;
}

export interface ArchiveReadNeeds {
  readonly log: EventLog;
  readonly archives: Archives;
  readonly present: (events: readonly StoredEvent[]) => readonly EventView[];
  /** Where a page ended: the archive's address, and the place in its manifest, which only grows. */
  readonly cursors: {
    write(archive: string, place: number): string;
    read(cursor: string | undefined): readonly [archive: string, place: number] | null;
  };
}

export function makeArchiveReads({ log, archives, present, cursors }: ArchiveReadNeeds): ArchiveReads {
  return {
    async archivedEvent(tenant, id) {
      const found = await archives.find(tenant, id);
      if (found === null) return undefined;
      const { stream, revision } = found.event;
      return { event: present([found.event])[0]!, segment: found.segment, restored: (await log.streamRevision(restoredStream(stream))) >= revision };
    },
    async archivedSegments({ limit, cursor }) {
      const from = cursors.read(cursor);
      const segments: ArchivedSegment[] = [];
      let passed = from === null;
      for (const archive of await archives.all()) {
        const isNext = !passed && archive.url === from![0];
        passed ||= isNext;
        if (!passed) continue;
        const entries = await archive.segments();
        for (let place = isNext ? from![1] : 0; place < entries.length; place++) {
          if (segments.length === limit) return { segments, nextCursor: cursors.write(archive.url, place) };
          segments.push(shown(entries[place]!, archive.url));
        }
      }
      return { segments, nextCursor: null };
    },
  };
}

function shown(entry: SegmentEntry, archive: string): ArchivedSegment {
  return { ...entry, firstPosition: positionText(entry.firstPosition), lastPosition: positionText(entry.lastPosition), archive };
}

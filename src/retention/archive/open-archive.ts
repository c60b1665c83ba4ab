import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { RepriseError } from "../../errors.ts";
import { systemClock } from "../../event/clock.ts";
import type { StoredEvent } from "../../event/event.ts";
import type { Archive, SegmentEntry } from "./archive.ts";
import type { ArchivePlace } from "./archive-place.ts";
import { unpackBlock } from "./block.ts";
import { blocksOf, eventsOf, readSegment } from "./checked-read.ts";
import { openFilePlace } from "./file-place.ts";
import { blocksWith, findEvent, streamEvents } from "./find.ts";
import type { S3Options } from "./s3/s3-place.ts";
import { makeShelf } from "./shelf.ts";
import { writeSegments } from "./write-segments.ts";

export interface ArchiveOptions extends S3Options {
  /** Bytes of lines in a segment, for tests. */
  readonly segmentBytes?: number;
}

/** @throws CONFIG_INVALID for an address that names no folder and no bucket. */
export async function openPlace(url: string, options: S3Options = {}): Promise<ArchivePlace> {
  // Loaded where it is used: most archives are folders.
  if (url.startsWith("s3:")) return (await import("./s3/s3-place.ts")).openS3Place(url, options);
  if (/^file:./.test(url)) return openFilePlace(resolve(url.startsWith("file://") ? fileURLToPath(url) : url.slice("file:".length)));
  throw new RepriseError("CONFIG_INVALID", `An archive is ${JSON.stringify(url)}: write file:<folder> or s3://<bucket>/<prefix>.`);
}

/** Opens the archive of one log; there need not be one yet. @throws CONFIG_INVALID */
export async function openArchive(url: string, logId: string, options: ArchiveOptions = {}): Promise<Archive> {
  return archiveAt(await openPlace(url, options), logId, options);
}

export function archiveAt(place: ArchivePlace, logId: string, { clock = systemClock, segmentBytes }: ArchiveOptions = {}): Archive {
  const shelf = makeShelf(place, logId, clock);
  return {
    ...{ url: place.url, logId },
    write: (events, options) => writeSegments({ place, logId, shelf, limit: segmentBytes }, events, options),
    segments: () => shelf.segments(),
    read: (name) => readEvents(place, logId, () => shelf.segments(), name),
    find: (tenant, id) => findEvent(shelf, tenant, id),
    segmentsOf: async (stream) => [...new Set((await blocksWith(shelf, stream)).map(({ entry }) => entry.name))],
    stream: (stream, options) => streamEvents(shelf, stream, options),
    close: () => place.close(),
  };
}

async function* readEvents(
  place: ArchivePlace,
  logId: string,
  segments: () => Promise<readonly SegmentEntry[]>,
  name: string,
): AsyncGenerator<readonly StoredEvent[], void> {
  const entry = (await segments()).find((one) => one.name === name);
  if (entry === undefined) throw new RepriseError("NOT_FOUND", `The archive of the log ${logId} has no segment ${name}.`);
  let line = 1;
  for (const { block } of blocksOf(await readSegment(place, logId, entry), name)) {
    const events = eventsOf(await unpackBlock(block, `Segment ${name}, from line ${line},`), logId, name, line);
    line += events.length;
    yield events;
  }
}

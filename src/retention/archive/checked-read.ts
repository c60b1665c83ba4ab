/** Reads what is known by its SHA-256. What comes is not believed: a place may answer with other bytes once, and with the right ones the next time. */
import { RepriseError } from "../../errors.ts";
import type { StoredEvent } from "../../event/event.ts";
import type { SegmentEntry } from "./archive.ts";
import type { ArchivePlace, ByteRange } from "./archive-place.ts";
import { blockLength, unpackBlock } from "./block.ts";
import { sha256Of } from "./large-bytes.ts";
import { eventOf } from "./line.ts";
import { segmentName } from "./manifest.ts";
import type { BlockPlace } from "./segment-index.ts";

const reads = 3;

/** @throws ARCHIVE_UNAVAILABLE, ARCHIVE_DAMAGED with the place */
async function readChecked(place: ArchivePlace, name: string, sha256: string, where: string, range?: ByteRange): Promise<Uint8Array> {
  let there = false;
  for (let read = 0; read < reads; read++) {
    const body = (await place.read(name, range))?.body;
    if (body !== undefined && (await sha256Of(body)) === sha256) return body;
    there ||= body !== undefined;
  }
  throw new RepriseError("ARCHIVE_DAMAGED", `${where} ${there ? "is not as it was written" : "is missing"}.`, { fields: { place: where } });
}

/** The whole file of a segment, as the manifest knows it. @throws as `readChecked` */
export function readSegment(place: ArchivePlace, logId: string, { name, sha256 }: SegmentEntry): Promise<Uint8Array> {
  return readChecked(place, segmentName(logId, name), sha256, `Segment ${name}`);
}

/** The events of one block. @throws as `readChecked`; ARCHIVE_FOREIGN */
export async function readBlock(place: ArchivePlace, logId: string, segment: string, block: BlockPlace): Promise<readonly StoredEvent[]> {
  const { offset: from, bytes, sha256, firstLine, lines } = block;
  const where = `Segment ${segment}, lines ${firstLine} to ${firstLine + lines - 1},`;
  const body = await readChecked(place, segmentName(logId, segment), sha256, where, { from, to: from + bytes });
  return eventsOf(await unpackBlock(body, where), logId, segment, firstLine);
}

/** The blocks of a segment's file, each with its offset. @throws ARCHIVE_DAMAGED where no block begins. */
export function* blocksOf(body: Uint8Array, segment: string): Generator<{ readonly offset: number; readonly block: Uint8Array }, void> {
  for (let offset = 0; offset < body.length; ) {
    const length = blockLength(body, offset);
    if (length === null) throw new RepriseError("ARCHIVE_DAMAGED", `Segment ${segment} has no block at byte ${offset}.`);
    yield { offset, block: body.subarray(offset, offset + length) };
    offset += length;
  }
}

/** The lines of an unpacked block. */
export function linesOf(text: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf(10, at);
    lines.push(text.subarray(at, end === -1 ? text.length : end + 1));
    at = end === -1 ? text.length : end + 1;
  }
  return lines;
}

/** @throws ARCHIVE_DAMAGED, ARCHIVE_FOREIGN */
export function eventsOf(text: Buffer, logId: string, segment: string, firstLine: number): readonly StoredEvent[] {
  return linesOf(text).map((line, index) => eventOf(line.toString("utf8"), logId, `Line ${firstLine + index} of segment ${segment}`));
}

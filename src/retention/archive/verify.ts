/** Reads all of an archive, and names each place that is not as it was written. Nothing is written. */
import { hash } from "node:crypto";
import { crc32 } from "node:zlib";
import { messageOf } from "../../event/thrown.ts";
import type { SegmentEntry } from "./archive.ts";
import type { ArchivePlace } from "./archive-place.ts";
import { linesOf } from "./checked-read.ts";
import { makeIndex } from "./make-index.ts";
import { indexName, manifestName, segmentName } from "./manifest.ts";
import { readIndex, type SegmentIndex } from "./segment-index.ts";
import { unpackAsFar } from "./unpack-as-far.ts";
import { checkManifest } from "./verify-manifest.ts";
import { wrongInEntry } from "./wrong-in-entry.ts";

export interface ArchiveFinding {
  /** Below the archive's address. */
  readonly file: string;
  /** Null for a finding about the manifest as a whole. */
  readonly segment: string | null;
  /** Of the segment's text, from 1; null where the place is no line. */
  readonly line: number | null;
  /** Of the event in that line, as far as it can be read. */
  readonly eventId: string | null;
  readonly detail: string;
  /** False: nothing is lost, and nothing has to be done. */
  readonly isDamage: boolean;
}

export interface VerifiedArchive {
  readonly logId: string;
  readonly segments: number;
  readonly events: number;
  readonly bytes: number;
}

/** @param expected segments that the log has on record. @throws ARCHIVE_UNAVAILABLE */
export async function verifyArchive(
  place: ArchivePlace,
  logId: string,
  tell: (finding: ArchiveFinding) => void,
  expected: Iterable<string> = [],
): Promise<VerifiedArchive> {
  const manifest = manifestName(logId);
  const all = { logId, segments: 0, events: 0, bytes: 0 };
  const { entries, findings, differs } = await checkManifest(place, logId);
  let damaged = 0;
  const count = (finding: ArchiveFinding): void => {
    if (finding.isDamage) damaged++;
    tell(finding);
  };
  for (const finding of findings) count({ ...nowhere(manifest), ...finding });
  if (entries === null) return all;
  for (const [index, entry] of entries.entries()) {
    await verifySegment(place, logId, entry, `${manifest}: segments[${index}]`, count);
    all.segments++;
    all.events += entry.events;
    all.bytes += entry.bytes;
  }
  for (const segment of expected)
    if (!entries.some(({ name }) => name === segment))
      tell({ ...nowhere(manifest), segment, detail: `The manifest does not name the segment ${segment}, to which the log says that events went.` });
  if (differs !== null && damaged === 0) tell({ ...nowhere(manifest), ...differs });
  const named = new Set(entries.flatMap(({ name }) => [segmentName(logId, name), indexName(logId, name)]));
  for await (const name of place.list(`${logId}/segments/`))
    if (!named.has(name))
      tell({
        ...nowhere(name),
        isDamage: false,
        detail: "No manifest names this file: a run was ended before its manifest was written. The next run takes it up.",
      });
  return all;
}

const nowhere = (file: string): ArchiveFinding => ({ file, segment: null, line: null, eventId: null, detail: "", isDamage: true });

async function verifySegment(
  place: ArchivePlace,
  logId: string,
  entry: SegmentEntry,
  inManifest: string,
  tell: (finding: ArchiveFinding) => void,
): Promise<void> {
  const { name } = entry;
  const file = segmentName(logId, name);
  const at = { ...nowhere(file), segment: name };
  const body = (await place.read(file))?.body;
  if (body === undefined) return tell({ ...at, detail: `There is no such segment, which ${inManifest} names.` });
  const sha256 = hash("sha256", body, "hex");
  const indexFile = (await place.read(indexName(logId, name)))?.body ?? null;
  if (sha256 !== entry.sha256) {
    if (indexFile !== null && readIndex(indexFile, name, sha256) !== null)
      return tell({ ...at, file: inManifest, detail: `The manifest has another SHA-256 (${entry.sha256}) than the segment and its index (${sha256}).` });
    return tell({ ...at, ...(await placeIn(body, indexFile === null ? null : readIndex(indexFile, name, entry.sha256))) });
  }
  let made: Buffer;
  try {
    made = await makeIndex(body, logId, name);
  } catch (error) {
    return tell({ ...at, detail: messageOf(error) });
  }
  const wrong = await wrongInEntry(entry, body, logId);
  if (wrong !== null) tell({ ...at, file: `${inManifest}.${wrong.member}`, detail: wrong.detail });
  const index = { ...at, file: indexName(logId, name), isDamage: indexFile !== null };
  if (indexFile === null) tell({ ...index, detail: "The index is missing. It is made again from the segment each time that it is needed." });
  else if (!made.equals(indexFile))
    tell({ ...index, detail: "The index does not fit its segment. The segment is whole, and the index is made again from it when it is needed." });
}

/** Where a segment's file differs from what its index says of it. */
async function placeIn(body: Uint8Array, index: SegmentIndex | null): Promise<Pick<ArchiveFinding, "line" | "eventId" | "detail">> {
  const unknown = { line: null, eventId: null };
  if (index === null) return { ...unknown, detail: "The segment is not as it was written, and neither is its index, which would tell the line." };
  for (const { offset, bytes, firstLine, lines, sha256 } of index.blocks) {
    const block = body.subarray(offset, offset + bytes);
    if (hash("sha256", block, "hex") === sha256) continue;
    const read = linesOf(await unpackAsFar(block));
    const from = read.findIndex((line, place) => crc32(line) !== index.sums[firstLine - 1 + place]);
    if (from === -1 && read.length === lines)
      return {
        line: firstLine,
        eventId: null,
        detail: `Lines ${firstLine} to ${firstLine + lines - 1} are whole; a byte around them is not as it was written.`,
      };
    const line = firstLine + (from === -1 ? read.length : from);
    const [, id = null] = /"id":"([0-9a-f-]{36})"/.exec(read[from === -1 ? read.length : from]?.toString("latin1") ?? "") ?? [];
    return {
      line,
      eventId: id,
      detail: `Line ${line} is the first that is not as it was written; the lines up to ${firstLine + lines - 1} may be lost with it.`,
    };
  }
  return { ...unknown, detail: "Bytes were added to the segment behind its last line." };
}

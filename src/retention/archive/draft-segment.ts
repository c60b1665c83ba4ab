import { createHash, hash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Position, StoredEvent } from "../../event/event.ts";
import type { Revisions } from "./archive.ts";
import { blockBytes, packBlock } from "./block.ts";
import { joined, sha256Of } from "./large-bytes.ts";
import { lineOf } from "./line.ts";
import { type BlockPlace, eventKey, makeIndexRows, streamKey } from "./segment-index.ts";

/** A segment that is not stored yet. */
export interface DraftSegment {
  /** The same for the same events, whatever packs them. */
  readonly name: string;
  readonly body: Uint8Array;
  readonly sha256: string;
  readonly index: Uint8Array;
  readonly events: number;
  readonly firstPosition: Position;
  readonly lastPosition: Position;
  readonly streams: ReadonlyMap<string, Revisions>;
}

export interface SegmentDraft {
  readonly events: number;
  /** False: the event does not fit any more, and the segment is to be finished. */
  add(event: StoredEvent): Promise<boolean>;
  finish(): Promise<DraftSegment>;
}

/**
 * Bytes of lines in one segment. Users are promised at most 64 MiB; half of it is enough to make objects few, and packed it stays small enough to be held,
 * compared and sent in one piece.
 */
const segmentBytes = 32 * 1024 * 1024;

/** @param content SHA-256 of its lines, hexadecimal. */
export function segmentNameOf(firstPosition: Position, content: string): string {
  return `${String(firstPosition).padStart(20, "0")}-${content.slice(0, 24)}`;
}

/** Packs events as they come, a block at a time. @param limit other than `segmentBytes` for tests. */
export function makeSegmentDraft(logId: string, limit = segmentBytes): SegmentDraft {
  const content = createHash("sha256");
  const rows = makeIndexRows();
  const packed: Buffer[] = [];
  const blocks: BlockPlace[] = [];
  const streams = new Map<string, Revisions>();
  let lines: Buffer[] = [];
  const size = { lines: 0, all: 0, packed: 0 };
  let events = 0;
  let [firstPosition, lastPosition] = [0n, 0n];

  async function endBlock(): Promise<void> {
    const text = Buffer.concat(lines);
    content.update(text);
    const block = await packBlock(text);
    blocks.push({ offset: size.packed, bytes: block.length, firstLine: events - lines.length + 1, lines: lines.length, sha256: hash("sha256", block, "hex") });
    packed.push(block);
    size.packed += block.length;
    size.lines = 0;
    lines = [];
  }

  return {
    get events() {
      return events;
    },
    async add(event) {
      const line = Buffer.from(`${lineOf(event, logId)}\n`);
      if (events > 0 && size.all + line.length > limit) return false;
      if (lines.length > 0 && size.lines + line.length > blockBytes) await endBlock();
      const { stream, tenant, id, revision, position } = event;
      rows.add(eventKey(tenant, id), blocks.length);
      rows.add(streamKey(stream), blocks.length);
      rows.line(crc32(line));
      streams.set(stream, { first: streams.get(stream)?.first ?? revision, last: revision });
      if (events === 0 || position < firstPosition) firstPosition = position;
      if (position > lastPosition) lastPosition = position;
      lines.push(line);
      size.lines += line.length;
      size.all += line.length;
      events++;
      return true;
    },
    async finish() {
      if (lines.length > 0) await endBlock();
      const body = await joined(packed);
      const sha256 = await sha256Of(body);
      const name = segmentNameOf(firstPosition, content.digest("hex"));
      return { name, body, sha256, index: await rows.file(name, sha256, blocks), events, firstPosition, lastPosition, streams };
    },
  };
}

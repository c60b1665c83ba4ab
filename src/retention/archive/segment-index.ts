/**
 * The index of a segment: where in it an event or an entity is, and what each of its lines must be. It is made from the segment alone, so that a lost or
 * damaged one is made again. The file is one line of JSON (the blocks, and the sums), then the rows.
 */
import { hash } from "node:crypto";
import { besideMs, makeTurns } from "../../event/turns.ts";
import { joined, sha256Of } from "./large-bytes.ts";

/** Six bytes of a key's SHA-256, and two with the block. */
const rowBytes = 8;
const sumBytes = 4;
const maxBlocks = 0xffff;

export interface BlockPlace {
  readonly offset: number;
  readonly bytes: number;
  /** The number of its first line in the segment, from 1. */
  readonly firstLine: number;
  readonly lines: number;
  readonly sha256: string;
}

export interface SegmentIndex {
  /** Of the segment's file. */
  readonly sha256: string;
  readonly blocks: readonly BlockPlace[];
  /** CRC32 of each line. */
  readonly sums: Uint32Array;
  /** The blocks that may hold something of this key, in their order. A key of another thing may have the same hash, once in 10^14. */
  blocksOf(key: string): readonly number[];
  /** About the bytes that it takes in memory. */
  readonly size: number;
}

export const eventKey = (tenant: string, id: string): string => `event\n${tenant}\n${id}`;
export const streamKey = (stream: string): string => `stream\n${stream}`;

interface Head {
  readonly version: 1;
  readonly segment: string;
  readonly sha256: string;
  readonly blocks: readonly BlockPlace[];
  readonly rows: number;
  /** SHA-256 of all that follows. */
  readonly rest: string;
}

/** What an index is made from. */
export interface IndexRows {
  add(key: string, block: number): void;
  line(sum: number): void;
}

const sumsAtOnce = 4096;

/** Rows are kept by the first byte of their hash, which is as often one as another: each of these lists is sorted in a moment. */
const lists = 256;

export function makeIndexRows(): IndexRows & { file(segment: string, sha256: string, blocks: readonly BlockPlace[]): Promise<Buffer> } {
  const rows = Array.from({ length: lists }, (): bigint[] => []);
  const sums: number[] = [];
  return {
    add(key, block) {
      if (block > maxBlocks) throw new RangeError("A segment has too many blocks.");
      const row = (hashOf(key) << 16n) | BigInt(block);
      rows[Number(row >> 56n)]!.push(row);
    },
    line: (sum) => void sums.push(sum),
    async file(segment, sha256, blocks) {
      const turns = makeTurns(besideMs);
      const parts: Buffer[] = [];
      let count = 0;
      for (const list of rows) {
        const sorted = BigUint64Array.from(new Set(list)).sort();
        const part = Buffer.allocUnsafe(sorted.length * rowBytes);
        for (const [index, row] of sorted.entries()) part.writeBigUInt64BE(row, index * rowBytes);
        parts.push(part);
        count += sorted.length;
        if (turns.due()) await turns.next();
      }
      for (let from = 0; from < sums.length; from += sumsAtOnce) {
        const some = sums.slice(from, from + sumsAtOnce);
        const part = Buffer.allocUnsafe(some.length * sumBytes);
        for (const [index, sum] of some.entries()) part.writeUInt32BE(sum, index * sumBytes);
        parts.push(part);
        if (turns.due()) await turns.next();
      }
      const rest = await joined(parts);
      const head: Head = { version: 1, segment, sha256, blocks, rows: count, rest: await sha256Of(rest) };
      return joined([Buffer.from(`${JSON.stringify(head)}\n`), rest]);
    },
  };
}

/** Null for what is no index of this segment, or is damaged: the segment itself tells the same. */
export function readIndex(file: Uint8Array, segment: string, sha256: string): SegmentIndex | null {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.length);
  const end = bytes.indexOf(10);
  const head = end === -1 ? null : parseHead(bytes.toString("utf8", 0, end));
  const rest = bytes.subarray(end + 1);
  if (head === null || head.segment !== segment || head.sha256 !== sha256 || hash("sha256", rest, "hex") !== head.rest) return null;
  const rows = rest.subarray(0, head.rows * rowBytes);
  const sums = Uint32Array.from({ length: (rest.length - rows.length) / sumBytes }, (_, index) => rest.readUInt32BE(rows.length + index * sumBytes));
  return {
    ...{ sha256, blocks: head.blocks, sums, size: bytes.length * 2 },
    blocksOf(key) {
      const wanted = hashOf(key);
      const found: number[] = [];
      for (let at = firstAtLeast(rows, wanted << 16n); at < head.rows; at++) {
        const row = rows.readBigUInt64BE(at * rowBytes);
        if (row >> 16n !== wanted) break;
        found.push(Number(row & 0xffffn));
      }
      return found;
    },
  };
}

function parseHead(text: string): Head | null {
  try {
    const head = JSON.parse(text) as Head;
    return head.version === 1 && Array.isArray(head.blocks) && Number.isSafeInteger(head.rows) ? head : null;
  } catch {
    return null;
  }
}

function firstAtLeast(rows: Buffer, wanted: bigint): number {
  let [low, high] = [0, rows.length / rowBytes];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rows.readBigUInt64BE(middle * rowBytes) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

function hashOf(key: string): bigint {
  return hash("sha256", key, "buffer").readBigUInt64BE(0) >> 16n;
}

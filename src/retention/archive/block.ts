/**
 * A block of a segment: some lines as one member of a gzip file. A segment is its blocks one behind the other, which any gunzip reads as one text, and one
 * entity's events are read without the rest. The length of a block stands in an extra field of its header (RFC 1952, 2.3.1.1), so that blocks are found
 * without an index.
 */
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { RepriseError } from "../../errors.ts";

const [zip, unzip] = [promisify(gzip), promisify(gunzip)];

/** Bytes of lines in one block: what is read for one event, at least. */
export const blockBytes = 256 * 1024;

/** Identification, method, flags, time, two more; then the extra field: its length, our mark, the length of the value, the block's bytes. */
const plainHeader = 10;
export const blockHeaderBytes = plainHeader + 2 + 8;
const mark = Buffer.from("RP");
/** The most bytes that a block may unpack to: an append has less than a megabyte, and an event of another program on a server at most sixteen. */
const mostBytes = 64 * 1024 * 1024;

export async function packBlock(lines: Uint8Array): Promise<Buffer> {
  const plain = await zip(lines, { level: 6 });
  const packed = Buffer.alloc(plain.length + blockHeaderBytes - plainHeader);
  plain.copy(packed, 0, 0, plainHeader);
  packed[3] = 4; // there is an extra field
  packed.writeUInt16LE(8, plainHeader);
  mark.copy(packed, plainHeader + 2);
  packed.writeUInt16LE(4, plainHeader + 4);
  packed.writeUInt32LE(packed.length, plainHeader + 6);
  plain.copy(packed, blockHeaderBytes, plainHeader);
  return packed;
}

/** The bytes of the block that begins at `at`; null: no block of ours begins there. */
export function blockLength(segment: Uint8Array, at: number): number | null {
  const bytes = Buffer.from(segment.buffer, segment.byteOffset + at, Math.min(blockHeaderBytes, segment.length - at));
  if (bytes.length < blockHeaderBytes || bytes.readUInt16BE(0) !== 0x1f8b || bytes[3] !== 4 || !bytes.subarray(plainHeader + 2, plainHeader + 4).equals(mark))
    return null;
  const length = bytes.readUInt32LE(plainHeader + 6);
  return length > blockHeaderBytes && at + length <= segment.length ? length : null;
}

/** @throws ARCHIVE_DAMAGED */
export async function unpackBlock(block: Uint8Array, where: string): Promise<Buffer> {
  try {
    return await unzip(block, { maxOutputLength: mostBytes });
  } catch (cause) {
    throw new RepriseError("ARCHIVE_DAMAGED", `${where} cannot be unpacked.`, { cause });
  }
}

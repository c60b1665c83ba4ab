import { createInflateRaw } from "node:zlib";
import { blockHeaderBytes } from "./block.ts";

/** The checksum and the length at the end of a gzip member. */
const trailerBytes = 8;

/** What can be unpacked of a damaged block: its text up to where it breaks, whatever its header and its checksum say. */
export async function unpackAsFar(block: Uint8Array): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const unpack = createInflateRaw();
  unpack.end(block.subarray(blockHeaderBytes, Math.max(blockHeaderBytes, block.length - trailerBytes)));
  try {
    for await (const chunk of unpack as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch {
    // it breaks here
  }
  return Buffer.concat(chunks);
}

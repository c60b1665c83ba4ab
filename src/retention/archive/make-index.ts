import { hash } from "node:crypto";
import { crc32 } from "node:zlib";
import { unpackBlock } from "./block.ts";
import { blocksOf, linesOf } from "./checked-read.ts";
import { sha256Of } from "./large-bytes.ts";
import { eventOf } from "./line.ts";
import { type BlockPlace, eventKey, makeIndexRows, streamKey } from "./segment-index.ts";

/** Makes the index of a segment from its file. @throws ARCHIVE_DAMAGED, ARCHIVE_FOREIGN */
export async function makeIndex(body: Uint8Array, logId: string, segment: string): Promise<Buffer> {
  const rows = makeIndexRows();
  const blocks: BlockPlace[] = [];
  let line = 1;
  for (const { offset, block } of blocksOf(body, segment)) {
    const lines = linesOf(await unpackBlock(block, `Segment ${segment}, from line ${line},`));
    for (const [index, text] of lines.entries()) {
      const { tenant, id, stream } = eventOf(text.toString("utf8"), logId, `Line ${line + index} of segment ${segment}`);
      rows.add(eventKey(tenant, id), blocks.length);
      rows.add(streamKey(stream), blocks.length);
      rows.line(crc32(text));
    }
    blocks.push({ offset, bytes: block.length, firstLine: line, lines: lines.length, sha256: hash("sha256", block, "hex") });
    line += lines.length;
  }
  return rows.file(segment, await sha256Of(body), blocks);
}

import { createHash } from "node:crypto";
import type { SegmentEntry } from "./archive.ts";
import { unpackBlock } from "./block.ts";
import { blocksOf, eventsOf } from "./checked-read.ts";
import { segmentNameOf } from "./draft-segment.ts";

/** What an entry of the manifest says of a segment that is itself as it was written, and that is not so; null: all is right. */
export async function wrongInEntry(
  { name, bytes, events, firstPosition, lastPosition }: SegmentEntry,
  body: Uint8Array,
  logId: string,
): Promise<{ readonly member: string; readonly detail: string } | null> {
  const content = createHash("sha256");
  const positions: bigint[] = [];
  for (const { block } of blocksOf(body, name)) {
    const text = await unpackBlock(block, name);
    content.update(text);
    for (const { position } of eventsOf(text, logId, name, positions.length + 1)) positions.push(position);
  }
  const [first, last] = [positions.reduce((a, b) => (b < a ? b : a)), positions.reduce((a, b) => (b > a ? b : a))];
  const really = {
    bytes: body.length,
    events: positions.length,
    first_position: first,
    last_position: last,
    name: segmentNameOf(first, content.digest("hex")),
  };
  const said = { bytes, events, first_position: firstPosition, last_position: lastPosition, name };
  for (const member of ["name", "bytes", "events", "first_position", "last_position"] as const)
    if (really[member] !== said[member]) return { member, detail: `The manifest says ${said[member]}, and the segment has ${really[member]}.` };
  return null;
}

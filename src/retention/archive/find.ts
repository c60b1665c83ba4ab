import type { StoredEvent } from "../../event/event.ts";
import type { ArchivedEvent, ArchivedStreamOptions, SegmentEntry } from "./archive.ts";
import { eventKey, streamKey } from "./segment-index.ts";
import type { Shelf } from "./shelf.ts";

/** Where an event is; null: in no segment. Newer segments first. */
export async function findEvent(shelf: Shelf, tenant: string, id: string): Promise<ArchivedEvent | null> {
  for (const entry of (await shelf.segments()).toReversed())
    for (const block of (await shelf.index(entry)).blocksOf(eventKey(tenant, id))) {
      const event = (await shelf.block(entry, block)).find((one) => one.tenant === tenant && one.id === id);
      if (event !== undefined) return { event, segment: entry.name };
    }
  return null;
}

interface BlockOf {
  readonly entry: SegmentEntry;
  readonly block: number;
}

/** The blocks that hold some of a stream, oldest segment first. */
export async function blocksWith(shelf: Shelf, stream: string): Promise<readonly BlockOf[]> {
  const blocks: BlockOf[] = [];
  for (const entry of await shelf.segments()) for (const block of (await shelf.index(entry)).blocksOf(streamKey(stream))) blocks.push({ entry, block });
  return blocks;
}

/**
 * One stream's events, by revision. Segments have a stream's events in the order in which they left the log, so the block with the first one that is wanted is
 * found by halving.
 */
export async function* streamEvents(
  shelf: Shelf,
  stream: string,
  { from, direction = "forward" }: ArchivedStreamOptions = {},
): AsyncGenerator<ArchivedEvent, void> {
  const blocks = await blocksWith(shelf, stream);
  const eventsAt = async (place: number): Promise<readonly StoredEvent[]> =>
    (await shelf.block(blocks[place]!.entry, blocks[place]!.block)).filter((event) => event.stream === stream);
  const wanted = ({ revision }: StoredEvent): boolean => from === undefined || (direction === "forward" ? revision >= from : revision <= from);

  const start = from === undefined ? (direction === "forward" ? 0 : blocks.length - 1) : await placeOf(from, blocks.length, eventsAt);
  const step = direction === "forward" ? 1 : -1;
  for (let place = start; place >= 0 && place < blocks.length; place += step) {
    const events = (await eventsAt(place)).filter(wanted);
    for (const event of step === 1 ? events : events.toReversed()) yield { event, segment: blocks[place]!.entry.name };
  }
}

/** The last block whose first event is at this revision or before; 0 when there is none. */
async function placeOf(revision: number, count: number, eventsAt: (place: number) => Promise<readonly StoredEvent[]>): Promise<number> {
  let [low, high] = [0, count - 1];
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    const first = (await eventsAt(middle))[0];
    if (first !== undefined && first.revision <= revision) low = middle;
    else high = middle - 1;
  }
  return Math.max(0, low);
}

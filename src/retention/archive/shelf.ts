import { LRUCache } from "lru-cache";
import type { Clock } from "../../event/clock.ts";
import type { StoredEvent } from "../../event/event.ts";
import type { SegmentEntry } from "./archive.ts";
import type { ArchivePlace } from "./archive-place.ts";
import { readBlock, readSegment } from "./checked-read.ts";
import { type KeptManifest, keepManifest } from "./kept-manifest.ts";
import { makeIndex } from "./make-index.ts";
import { indexName } from "./manifest.ts";
import { readIndex, type SegmentIndex } from "./segment-index.ts";

/** What is known of one log's archive: its manifest, its indexes, and the blocks that were read last. */
export interface Shelf extends KeptManifest {
  index(entry: SegmentEntry): Promise<SegmentIndex>;
  /** @param place of the block in the index. */
  block(entry: SegmentEntry, place: number): Promise<readonly StoredEvent[]>;
}

/** Of indexes in memory: 16 million archived events. What is used less is read again. */
const indexBytes = 256 * 1024 * 1024;
/** Blocks in memory: an entity's next page is often in the last one. */
const blocksKept = 8;

export function makeShelf(place: ArchivePlace, logId: string, clock: Pick<Clock, "monotonicMs">): Shelf {
  const indexes = new LRUCache<string, SegmentIndex>({ maxSize: indexBytes, sizeCalculation: ({ size }) => size });
  const blocks = new LRUCache<string, readonly StoredEvent[]>({ max: blocksKept });

  async function index(entry: SegmentEntry): Promise<SegmentIndex> {
    const { name, sha256 } = entry;
    const kept = indexes.get(name);
    if (kept?.sha256 === sha256) return kept;
    const file = await place.read(indexName(logId, name));
    // An index that is lost or damaged is made again from its segment.
    const found =
      (file && readIndex(file.body, name, sha256)) ?? readIndex(await makeIndex(await readSegment(place, logId, entry), logId, name), name, sha256)!;
    indexes.set(name, found);
    return found;
  }

  return {
    ...keepManifest(place, logId, clock),
    index,
    async block(entry, at) {
      const key = `${entry.name} ${at}`;
      let events = blocks.get(key);
      if (events === undefined) {
        events = await readBlock(place, logId, entry.name, (await index(entry)).blocks[at]!);
        blocks.set(key, events);
      }
      return events;
    },
  };
}

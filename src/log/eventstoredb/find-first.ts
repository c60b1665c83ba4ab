import type { StoredEvent } from "../../event/event.ts";
import type { RecentIds } from "./recent-ids.ts";

/** The number of ids looked up together: the first, while nobody knows how large their events are, and the largest. */
const fewIds = 8;
const manyIds = 64;

/** Looks ids up in their order, in groups that grow only while events are small. */
export async function findFirst(recent: RecentIds, tenant: string, ids: readonly string[], enoughBytes?: number): Promise<readonly StoredEvent[]> {
  if (enoughBytes === undefined) return [...(await findPart(recent, tenant, ids, Number.POSITIVE_INFINITY))!.values()];
  const events: StoredEvent[] = [];
  let bytes = 0;
  let size = fewIds;
  for (let from = 0; from < ids.length && bytes < enoughBytes; ) {
    const part = ids.slice(from, from + size);
    const found = await findPart(recent, tenant, part, 8 * enoughBytes);
    if (found === null) {
      size = Math.max(1, Math.floor(part.length / 8));
      continue;
    }
    const before = bytes;
    for (const id of part) {
      const event = found.get(id);
      if (event === undefined || bytes >= enoughBytes) continue;
      events.push(event);
      bytes += JSON.stringify(event.data).length;
    }
    from += size;
    size = bytes - before > enoughBytes / 8 ? fewIds : Math.min(size * 2, manyIds);
  }
  return events;
}

/** Null when several events are together larger than that, because nobody knows which comes first before all are there. */
async function findPart(recent: RecentIds, tenant: string, ids: readonly string[], maxBytes: number): Promise<ReadonlyMap<string, StoredEvent> | null> {
  const found = new Map<string, StoredEvent>();
  let bytes = 0;
  for await (const event of recent.find(tenant, ids)) {
    bytes += JSON.stringify(event.data).length;
    if (bytes > maxBytes && ids.length > 1) return null;
    found.set(event.id, event);
  }
  return found;
}

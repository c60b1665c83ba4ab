import { RepriseError } from "../../errors.ts";
import type { StoredEvent } from "../../event/event.ts";
import type { EventRow } from "./row.ts";
import type { Step } from "./step.ts";

/** The number of ids looked up together: the first, while nobody knows how large their events are, and the largest. */
const fewIds = 8;

const manyIds = 64;

export function findByIds(step: Step, tenant: string, ids: readonly string[], enoughBytes: number): readonly StoredEvent[] {
  if (ids.length > 1000) throw new RepriseError("REQUEST_INVALID", `At most 1000 ids are looked up at once, not ${ids.length}.`);
  return step((db) => {
    const all = [...new Set(ids)];
    const events: StoredEvent[] = [];
    let bytes = 0;
    // The groups grow only while events are small, because all events at once may be a gigabyte before the first is counted.
    let size = enoughBytes === Number.POSITIVE_INFINITY ? all.length : fewIds;
    for (let from = 0; from < all.length && bytes < enoughBytes; ) {
      const before = bytes;
      const part = all.slice(from, from + size);
      const place = new Map(part.map((id, index) => [id, index]));
      const placeOf = (row: EventRow) => place.get(row[3]) ?? 0;
      for (const row of db.withIds(part).toSorted((one, other) => placeOf(one) - placeOf(other))) {
        if (bytes >= enoughBytes) break;
        const data = db.data(row);
        const event = db.decode(row, data); // one at a time: of a megabyte it takes as long as a request may hold the thread
        if (event.tenant !== tenant || event.position > db.end.lastPosition) continue;
        events.push(event);
        bytes += data.length;
      }
      from += size;
      size = bytes - before > enoughBytes / 8 ? fewIds : Math.min(size * 2, manyIds);
    }
    return events;
  });
}

/** Events of the past that have left the log, as a replay of history takes them. */
import type { Catalog } from "../catalog/catalog.ts";
import { positionText, type StoredEvent } from "../event/event.ts";
import { makeTurns } from "../event/turns.ts";
import type { Archives } from "../retention/archive/archives.ts";
import type { HistoryFilter, HistoryPointer } from "../views/model/history.ts";

/**
 * Like `views.history`, from the segments: oldest first, at most `limit`. An event that had left the log was done for every handler, so none has a status.
 *
 * @throws as an archive's reads
 */
export async function archivedHistory(archives: Archives, catalog: Catalog, filter: HistoryFilter, limit: number): Promise<readonly HistoryPointer[]> {
  const types = new Set(catalog.candidates(filter.types));
  const [low, high] = [BigInt(filter.fromPosition ?? 0n), filter.toPosition === undefined ? null : BigInt(filter.toPosition)];
  const isWanted = ({ tenant, entity, type, position, recordedAt }: StoredEvent): boolean =>
    tenant === filter.tenant &&
    types.has(type) &&
    position >= low &&
    (high === null || position <= high) &&
    (filter.entityType === undefined || entity.type === filter.entityType) &&
    (filter.entityId === undefined || entity.id === filter.entityId) &&
    (filter.sinceMs === undefined || Date.parse(recordedAt) >= filter.sinceMs) &&
    (filter.untilMs === undefined || Date.parse(recordedAt) < filter.untilMs);

  const found: (HistoryPointer & { readonly order: bigint })[] = [];
  const turns = makeTurns();
  for (const archive of await archives.all())
    for (const { name, firstPosition, lastPosition } of await archive.segments()) {
      if (lastPosition < low || (high !== null && firstPosition > high)) continue;
      for await (const batch of archive.read(name))
        for (const event of batch) {
          if (turns.due()) await turns.next();
          if (!isWanted(event)) continue;
          const { stream, revision, position, id, type } = event;
          found.push({ stream, revision, position: positionText(position), eventId: id, type, status: null, order: position });
        }
      // Segments need not be in the order of positions: so the oldest ones are kept, and no more than are asked for.
      if (found.length > 2 * limit) keepOldest(found, limit);
    }
  keepOldest(found, limit);
  return found.map(({ order: _, ...pointer }) => pointer);
}

function keepOldest(found: { readonly order: bigint }[], limit: number): void {
  found.sort((a, b) => (a.order < b.order ? -1 : 1));
  found.length = Math.min(found.length, limit);
}

import type { StoredEvent } from "../../event/event.ts";
import { ownTenant } from "../../event/names.ts";
import { makePlaceTable } from "./place-table.ts";
import type { Place, Reader } from "./reader.ts";

/** Tells the places of events with these ids of one tenant, as far as it knows. The views' event index does this. It is not asked for Reprise's own events. */
export type Locate = (tenant: string, ids: readonly string[]) => Promise<readonly (Place & { readonly id: string })[]>;

/** The places of events with given ids: first those that this process has appended or read, then those that `locate` knows. */
export interface RecentIds {
  /** The events with these ids follow one another in `stream`, from revision `first` on. */
  add(ids: readonly string[], stream: string, first: number): void;
  /** False when `find` would find none, known without asking anyone. */
  mayKnow(tenant: string, ids: readonly string[]): boolean;
  /** The stored events with these ids, in no order. A place that no longer holds its event is forgotten. */
  find(tenant: string, ids: readonly string[]): AsyncGenerator<StoredEvent, void>;
  /** Makes other appends with one of these ids wait until `release`. When another append holds one of them, await the returned promise and try again. */
  reserve(ids: readonly string[]): Promise<unknown> | null;
  release(ids: readonly string[]): void;
}

/** @param max ids kept of those that were added. */
export function makeRecentIds(reader: Reader, max: number, locate: Locate | undefined): RecentIds {
  const places = makePlaceTable(max);
  /** By id alone. One tenant may then wait for another's append with the same id, which does no harm. */
  const reserved = new Map<string, PromiseWithResolvers<void> | null>();

  const mayKnow = (tenant: string, ids: readonly string[]): boolean => {
    if (locate !== undefined && tenant !== ownTenant) return true;
    for (const id of ids) if (places.has(tenant, id)) return true;
    return false;
  };

  return {
    add(ids, stream, first) {
      for (let i = 0; i < ids.length; i++) places.add(ids[i]!, stream, first + i);
    },
    mayKnow,
    async *find(tenant, ids) {
      if (!mayKnow(tenant, ids)) return;
      const byStream = new Map<string, number[]>();
      const note = (stream: string, revision: number) => {
        const revisions = byStream.get(stream);
        if (revisions === undefined) byStream.set(stream, [revision]);
        else revisions.push(revision);
      };
      const unknown: string[] = [];
      for (const id of ids) {
        const place = places.get(tenant, id);
        if (place === null) unknown.push(id);
        else note(place.stream, place.revision);
      }
      if (unknown.length > 0 && locate !== undefined && tenant !== ownTenant)
        for (const { stream, revision } of await locate(tenant, unknown)) note(stream, revision);
      if (byStream.size === 0) return;
      const missing = new Set(ids);
      for (const [stream, revisions] of byStream)
        for await (const event of reader.readPlaces(stream, revisions)) if (event.tenant === tenant && missing.delete(event.id)) yield event;
      for (const id of missing) places.delete(tenant, id);
    },
    reserve(ids) {
      for (const id of ids) {
        if (!reserved.has(id)) continue;
        const waiting = reserved.get(id) ?? Promise.withResolvers<void>();
        reserved.set(id, waiting);
        return waiting.promise;
      }
      for (const id of ids) reserved.set(id, null);
      return null;
    },
    release(ids) {
      for (const id of ids) {
        const waiting = reserved.get(id);
        reserved.delete(id);
        waiting?.resolve();
      }
    },
  };
}

import { LRUCache } from "lru-cache";
import type { StoredEvent } from "../../event/event.ts";
import type { Place, Reader } from "./reader.ts";

/** Says where events with these ids of one tenant stand, as far as it knows: the views' event index. */
export type Locate = (tenant: string, ids: readonly string[]) => Promise<readonly (Place & { readonly id: string })[]>;

/** Where events with given ids stand: those of this process's appends and reads before them, then those that `locate` knows. */
export interface RecentIds {
  add(tenant: string, id: string, place: Place): void;
  /** The stored events with these ids. A place where the event is no longer is forgotten. */
  find(tenant: string, ids: readonly string[]): Promise<ReadonlyMap<string, StoredEvent>>;
  /** Waits until no other append with one of these ids is under way, and keeps others waiting until the answer is called. */
  reserve(tenant: string, ids: readonly string[]): Promise<() => void>;
}

export function makeRecentIds(reader: Reader, max: number, locate: Locate | undefined): RecentIds {
  const places = new LRUCache<string, Place>({ max });
  const reserved = new Map<string, Promise<void>>();
  const keyOf = (tenant: string, id: string) => `${tenant}\n${id}`;

  return {
    add(tenant, id, place) {
      places.set(keyOf(tenant, id), place);
    },
    async find(tenant, ids) {
      if (locate === undefined && !ids.some((id) => places.has(keyOf(tenant, id)))) return new Map();
      const byStream = new Map<string, number[]>();
      const note = ({ stream, revision }: Place) => {
        const revisions = byStream.get(stream);
        if (revisions === undefined) byStream.set(stream, [revision]);
        else revisions.push(revision);
      };
      const unknown: string[] = [];
      for (const id of ids) {
        const place = places.get(keyOf(tenant, id));
        if (place === undefined) unknown.push(id);
        else note(place);
      }
      if (unknown.length > 0 && locate !== undefined) for (const place of await locate(tenant, unknown)) note(place);
      const found = new Map<string, StoredEvent>();
      if (byStream.size === 0) return found;
      const wanted = new Set(ids);
      for (const [stream, revisions] of byStream)
        for (const event of await reader.readPlaces(stream, revisions)) if (event.tenant === tenant && wanted.has(event.id)) found.set(event.id, event);
      for (const id of ids) if (!found.has(id)) places.delete(keyOf(tenant, id));
      return found;
    },
    async reserve(tenant, ids) {
      const keys = ids.map((id) => keyOf(tenant, id));
      for (let busy = keys.find((key) => reserved.has(key)); busy !== undefined; busy = keys.find((key) => reserved.has(key))) await reserved.get(busy);
      const { promise, resolve } = Promise.withResolvers<void>();
      for (const key of keys) reserved.set(key, promise);
      return () => {
        for (const key of keys) reserved.delete(key);
        resolve();
      };
    },
  };
}

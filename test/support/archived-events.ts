import { hash } from "node:crypto";
import { RepriseError } from "../../src/errors.ts";
import type { StoredEvent } from "../../src/event/event.ts";
import type { ArchivePlace } from "../../src/retention/archive/archive-place.ts";
import { makeStoredEvent } from "./stored-event.ts";

export const archivedLogId = "0198c0de-aaaa-7000-8000-000000000000";

/** Events of some orders in log order, each order's by revision. @param bytes of the data of each. */
export function eventsOfOrders(count: number, orders = 3, bytes = 10): readonly StoredEvent[] {
  return Array.from({ length: count }, (_, index) =>
    makeStoredEvent({
      id: `0198c0de-0000-7000-8000-${String(index + 1).padStart(12, "0")}`,
      stream: `default.order-${index % orders}`,
      revision: Math.floor(index / orders),
      position: BigInt(10 * (index + 1)),
      data: { index, filling: String(index).padEnd(bytes, "x") },
    }),
  );
}

/** In batches, as a log gives them. */
export async function* inBatches(events: readonly StoredEvent[], size = 7): AsyncGenerator<readonly StoredEvent[], void> {
  for (let from = 0; from < events.length; from += size) yield events.slice(from, from + size);
}

export async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Everything that a place is asked to do, in its order. */
export type PlaceCall = { readonly act: "create" | "replace" | "read"; readonly name: string; readonly number: number };

/** A place that does what `judge` says instead of what it was asked: an error thrown is the place's, and bytes returned are stored or given in place of the right ones. */
export function faultyPlace(place: ArchivePlace, judge: (call: PlaceCall, body: Uint8Array) => Uint8Array | undefined): ArchivePlace {
  let number = 0;
  const none = new Uint8Array();
  return {
    ...place,
    create: async (name, body) => place.create(name, judge({ act: "create", name, number: number++ }, body) ?? body),
    replace: async (name, body, seen) => place.replace(name, judge({ act: "replace", name, number: number++ }, body) ?? body, seen),
    async read(name, range) {
      const found = await place.read(name, range);
      const changed = judge({ act: "read", name, number: number++ }, found?.body ?? none);
      return found === null || changed === undefined ? found : { ...found, body: changed };
    },
  };
}

/** A place in memory. */
export function memoryPlace(things = new Map<string, Uint8Array>()): ArchivePlace {
  const tagOf = (body: Uint8Array): string => hash("sha256", body, "hex");
  return {
    url: "memory:",
    async create(name, body) {
      if (things.has(name)) return "exists";
      things.set(name, body);
      return "written";
    },
    async replace(name, body, seen) {
      const now = things.get(name);
      if (seen !== undefined && seen !== (now === undefined ? null : tagOf(now))) throw new RepriseError("ARCHIVE_UNAVAILABLE", `${name} was changed.`);
      things.set(name, body);
    },
    async read(name, range) {
      const body = things.get(name);
      return body === undefined ? null : { body: range === undefined ? body : body.subarray(range.from, range.to), tag: tagOf(body) };
    },
    async *list(prefix) {
      yield* [...things.keys()].filter((name) => name.startsWith(prefix));
    },
    hold: async () => () => {},
    close: async () => {},
  };
}

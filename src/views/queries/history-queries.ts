import { setImmediate as nextTurn } from "node:timers/promises";
import type { HistoryPointer, Views } from "../model.ts";
import { allOf, type Condition, oneOf, type Sources, storedTypes } from "./context.ts";
import { type EventKey, makeDeliveryReader } from "./deliveries.ts";
import { above, positionsBetween } from "./entity-events.ts";

const eventsPerTurn = 500;

export function makeHistoryQueries(sources: Sources): Pick<Views, "history"> {
  const { catalog } = sources;
  return {
    async history({ tenant, handler, types, entityType, entityId, sinceMs, untilMs, fromPosition, toPosition }, limit) {
      const stored = [...new Set(types.flatMap((type) => storedTypes(catalog, type)))];
      if (stored.length === 0) return [];
      const conditions: Condition[] = [oneOf("e.tenant", [tenant]), oneOf("e.type", stored)];
      const add = (sql: string, value: string | number | undefined) => {
        if (value !== undefined) conditions.push({ sql, parameters: [value] });
      };
      add("e.entity_type = ?", entityType);
      add("n.entity = ?", entityId);
      add("n.tenant = ?", entityId === undefined ? undefined : tenant); // with the name, an index of the entities
      add("e.recorded_ms >= ?", sinceMs);
      add("e.recorded_ms < ?", untilMs);
      add("e.position >= ?", fromPosition === undefined ? undefined : Number(fromPosition));
      add("e.position <= ?", toPosition === undefined ? undefined : Number(toPosition));
      const { sql, parameters } = allOf(conditions);
      // Of one entity by its links, else along the log.
      const from =
        entityId === undefined
          ? "events e cross join entities n on n.id = e.entity"
          : `entities n cross join ${positionsBetween("n.id", "0", String(above))} p cross join events e on e.position = p.value`;
      const keys = sources
        .db()
        .all<EventKey>(`select e.id, n.stream, e.type, e.revision, e.position from ${from} where ${sql} order by e.position limit ?`, ...parameters, limit);
      const pointers: HistoryPointer[] = [];
      for (let from = 0; from < keys.length; from += eventsPerTurn) {
        const reader = makeDeliveryReader(sources);
        for (const key of keys.slice(from, from + eventsPerTurn)) {
          const status = reader.statuses(key).get(handler) ?? null;
          pointers.push({ stream: key.stream, revision: key.revision, position: BigInt(key.position), eventId: key.id, type: key.type, status });
        }
        await nextTurn();
      }
      return pointers;
    },
  };
}

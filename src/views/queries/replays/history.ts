import { positionText } from "../../../event/event.ts";
import { makeTurns } from "../../../event/turns.ts";
import type { HistoryPointer, HistoryReads } from "../../model/history.ts";
import { allOf, type Condition, oneOf, type Sources, storedTypes } from "../context.ts";
import { makeDeliveryReader } from "../deliveries/delivery-reader.ts";
import type { EventKey } from "../deliveries/event-key.ts";
import { entitiesNamed } from "../entities-named.ts";
import { by, byAny, events, stepsOf, stepsOfEntities, type Way } from "../ways.ts";

export function makeHistoryReads(sources: Sources): HistoryReads {
  return {
    async history(filter, limit) {
      const { tenant, handler, types, entityType, entityId, sinceMs, untilMs, fromPosition, toPosition } = filter;
      const stored = [...new Set(types.flatMap((type) => storedTypes(sources.catalog, type)))];
      if (stored.length === 0) return [];
      const conditions: Condition[] = [oneOf("e.tenant", [tenant]), oneOf("e.type", stored)];
      const add = (sql: string, value: string | number | undefined) => {
        if (value !== undefined) conditions.push({ sql, parameters: [value] });
      };
      add("e.entity_type = ?", entityType);
      add("e.recorded_ms >= ?", sinceMs);
      add("e.recorded_ms < ?", untilMs);
      const range = { low: Number(fromPosition ?? 0), high: Number(toPosition ?? Number.MAX_SAFE_INTEGER) };
      const entities = entityId === undefined ? null : entitiesNamed(sources, tenant, entityId, entityType);
      if (entities !== null) conditions.push(entities.length === 0 ? { sql: "false", parameters: [] } : oneOf("e.entity", entities));
      add("e.position >= ?", range.low);
      add("e.position <= ?", range.high);
      const { sql, parameters } = allOf(conditions);
      const select = (keys: string) =>
        `select e.id, (select stream from entities where id = e.entity) as stream, e.type, e.revision, e.position
           from (${keys}) k cross join events e not indexed on e.position = k.position where ${sql} order by e.position limit ? + 0`;

      let found: EventKey[] = [];
      if (entities !== null) {
        // Only the way back is linked: all of an entity, newest first, of which the oldest count.
        const parts: (readonly EventKey[])[] = [];
        for await (const { keys } of stepsOfEntities(sources.db, entities, range))
          parts.push(sources.db().all<EventKey>(select(keys.sql), ...keys.parameters, ...parameters, limit));
        found = parts.reverse().flat().slice(0, limit);
      } else {
        const ways: [Way, ...Way[]] = [byAny("events_by_type", ["tenant", [tenant]], ["type", stored]) ?? by("events_by_tenant", ["tenant", tenant])];
        if (entityType !== undefined) ways.push(by("events_by_entity_type", ["tenant", tenant], ["entity_type", entityType]));
        for await (const { keys } of stepsOf(sources.db, events, ways, "up", range)) {
          for (const key of sources.db().all<EventKey>(select(keys.sql), ...keys.parameters, ...parameters, limit - found.length)) found.push(key);
          if (found.length >= limit) break;
        }
      }

      const pointers: HistoryPointer[] = [];
      const turns = makeTurns();
      let reader = makeDeliveryReader(sources);
      for (const key of found) {
        if (turns.due()) {
          await turns.next();
          reader = makeDeliveryReader(sources);
        }
        const status = reader.statuses(key).get(handler) ?? null;
        pointers.push({ stream: key.stream, revision: key.revision, position: positionText(BigInt(key.position)), eventId: key.id, type: key.type, status });
      }
      return pointers;
    },
  };
}

import { positionText } from "../../../event/event.ts";
import { makeTurns } from "../../../event/turns.ts";
import type { LetterPointer, LetterPointers } from "../../model/letters-to-replay.ts";
import { allOf, oneOf, type Sources } from "../context.ts";
import { countOneByOne } from "./letter-count.ts";
import { filterConditions, isLetter, withKeys } from "./letter-filter.ts";
import { indexOf, type PointerRow, selectPointers } from "./letter-row.ts";
import { lettersOf } from "./letter-ways.ts";

/** Ids looked for by one statement. */
const idsAtOnce = 200;

/** Dead letters as replays choose them. */
export function makeLetterPointers(sources: Sources): LetterPointers {
  return {
    async oldestDeadLetters(filter, limit) {
      const { sql, parameters } = allOf(filterConditions(sources, filter));
      const pointers: LetterPointer[] = [];
      for await (const { keys } of lettersOf(sources, filter, "up")) {
        const rows = sources
          .db()
          .all<PointerRow>(
            `${selectPointers(withKeys(keys.sql))} where ${sql} order by d.position, d.handler limit ? + 0`,
            ...keys.parameters,
            ...parameters,
            limit - pointers.length,
          );
        for (const row of rows) pointers.push(toPointer(row));
        if (pointers.length >= limit) break;
      }
      return pointers;
    },

    async deadLettersOf(tenant, ids) {
      const turns = makeTurns();
      const letters = new Map<string, PointerRow>();
      let notDeadLettered = 0;
      let unknown = 0;
      for (let from = 0; from < ids.length; from += idsAtOnce) {
        if (turns.due()) await turns.next();
        const part = ids.slice(from, from + idsAtOnce);
        const wanted = JSON.stringify(part);
        const db = sources.db();
        const found = new Set<string>();
        for (const column of ["event_id", "delivery_id"] as const)
          for (const row of db.all<PointerRow>(
            `${selectPointers(`json_each(?) w cross join ${indexOf[column]} on d.${column} = w.value`)} where d.tenant = ? and ${isLetter.sql}`,
            wanted,
            tenant,
          )) {
            found.add(row[column]);
            letters.set(row.delivery_id, row);
          }
        const others = part.filter((id) => !found.has(id));
        const { known } = db.get<{ known: number }>(
          `select count(*) as known from json_each(?) w where exists (select 1 from events e indexed by events_by_id where e.id = w.value and e.tenant = ?)
             or exists (select 1 from deliveries d indexed by deliveries_by_id where d.delivery_id = w.value and d.tenant = ?)`,
          JSON.stringify(others),
          tenant,
          tenant,
        )!;
        notDeadLettered += known;
        unknown += others.length - known;
      }
      const ordered = [...letters.values()].sort((a, b) => a.position - b.position || (a.handler < b.handler ? -1 : 1));
      return { letters: ordered.map(toPointer), notDeadLettered, unknown };
    },

    async deadLettersSince(filter, handlers, position, replayId) {
      if (handlers.length === 0) return 0;
      return countOneByOne(sources, filter, [
        oneOf("d.handler", handlers),
        { sql: "d.dead_lettered_position > ? and coalesce(d.replay_id, '') <> ?", parameters: [Number(position), replayId] },
      ]);
    },
  };
}

function toPointer({ handler, stream, revision, position, event_id, type, attempts, error_type, error_message }: PointerRow): LetterPointer {
  return {
    handler,
    stream,
    revision,
    position: positionText(BigInt(position)),
    eventId: event_id,
    type,
    attempts,
    error: { type: error_type, message: error_message },
  };
}

import { makeTurns, type Turns } from "../../../event/turns.ts";
import type { HeldLane, HeldLanes } from "../../model/letters-to-replay.ts";
import { lastOfTypeSql } from "../../projections/entities.ts";
import type { Sources } from "../context.ts";
import { handlerRows } from "../deliveries/handler-rows.ts";
import { laneRow } from "../deliveries/lane-rows.ts";
import { untouched } from "../deliveries/untouched.ts";
import { rowsAtOnce } from "../ways.ts";

/** What a lane holds behind its dead letters. */
export function makeHeldLanes(sources: Sources): HeldLanes {
  return {
    async heldLanes(lanes) {
      const handlers = new Map(handlerRows(sources).map((handler) => [handler.name, handler]));
      const turns = makeTurns();
      const held: HeldLane[] = [];
      for (const { handler: name, stream } of lanes) {
        if (turns.due()) await turns.next();
        const handler = handlers.get(name);
        const entity = sources.db().get<{ id: number }>("select id from entities where stream = ?", stream)?.id ?? -1;
        const ordering = handler?.ordering ?? "strict";
        // Under `relaxed` a dead letter holds nothing, and a lane may have 100,000.
        const letters = ordering === "strict" ? await lettersIn(sources, entity, name, turns) : [];
        const behind = handler?.ordering === "strict" ? (await untouched(sources, handler, laneRow(sources, entity, name), entity, 0, turns)).count : 0;
        held.push({ held: behind, through: behind === 0 ? null : lastWanted(sources, entity, name), letters, ordering });
      }
      return held;
    },
  };
}

/** Revisions of a lane's dead letters, in order. */
async function lettersIn({ db }: Sources, entity: number, handler: string, turns: Turns): Promise<readonly number[]> {
  const all: number[] = [];
  for (let after = -1; ; ) {
    if (turns.due()) await turns.next();
    const rows = db().all<{ revision: number; mine: 0 | 1 }>(
      `select revision, (handler = ? and letter = 1) as mine from deliveries where entity = ? and revision > ? order by revision limit ${rowsAtOnce}`,
      handler,
      entity,
      after,
    );
    for (const { revision, mine } of rows) if (mine === 1) all.push(revision);
    if (rows.length < rowsAtOnce) return all;
    // Of the last one not all handlers may have been seen.
    after = rows.at(-1)!.revision - 1;
    while (all.at(-1)! > after) all.pop();
  }
}

/** Revision of the entity's last event that the handler wants. */
function lastWanted({ db }: Sources, entity: number, handler: string): number | null {
  const { position } = db().get<{ position: number | null }>(
    `select max(${lastOfTypeSql}) as position from entities n cross join entity_types t on t.entity = n.id
       join temp.wanted w on w.handler = ? and w.type = t.type and w.since < ${lastOfTypeSql} where n.id = ?`,
    handler,
    entity,
  )!;
  if (position === null) return null;
  return db().get<{ revision: number }>("select revision from events where position = ?", position)?.revision ?? null;
}

/** How many events wait behind dead letters. */
import { makeTurns, type Turns } from "../../../event/turns.ts";
import type { DeadLetterFilter } from "../../model/dead-letter.ts";
import { laneKind } from "../../projections/lane-counts.ts";
import { allOf, ofTenant, oneOf, type Sources } from "../context.ts";
import { type HandlerRow, handlerRows } from "../deliveries/handler-rows.ts";
import { laneKinds, lanesFrom, movingLanesOf } from "../handlers/counting.ts";
import type { Piece } from "../handlers/pieces.ts";
import { waitingIn } from "../handlers/standing-lanes.ts";
import { partsOf } from "../parts.ts";
import { rowsAtOnce } from "../ways.ts";
import { countHeld } from "./count-held.ts";
import { filterConditions, withKeys } from "./letter-filter.ts";
import { lettersOf } from "./letter-ways.ts";

/** Relaxed handlers hold nothing behind their dead letters, and may have a million of them. */
export async function countBehind(sources: Sources, filter: DeadLetterFilter): Promise<number> {
  const { tenant, handler: named, ...others } = filter;
  const ofAny = Object.values(others).every((value) => value === undefined);
  const turns = makeTurns();
  let waiting = 0;
  for (const handler of handlerRows(sources)) {
    if (handler.ordering !== "strict" || (named !== undefined && named !== handler.name)) continue;
    const kept = ofAny ? await behindAny({ sources, tenant, turns }, handler) : null;
    waiting += kept ?? (await behindSome(sources, { ...filter, handler: handler.name }, handler, turns));
  }
  return waiting;
}

/** Behind those that a filter leaves: lane by lane. */
async function behindSome(sources: Sources, filter: DeadLetterFilter, handler: HandlerRow, turns: Turns): Promise<number> {
  const { sql, parameters } = allOf(filterConditions(sources, filter));
  const seen = new Set<number>();
  let waiting = 0;
  for await (const { keys } of lettersOf(sources, filter, "up")) {
    // Nothing came after most dead letters: their lanes are at their ends.
    const lanes = sources.db().all<Omit<Piece, "blocked">>(
      `select distinct d.entity, coalesce(l.next, 0) as low, n.revision as high, coalesce(l.detached, 0) = 0 as beyond
           from ${withKeys(keys.sql)} left join lanes l on l.entity = d.entity and l.handler = d.handler cross join entities n on n.id = d.entity
         where n.revision >= coalesce(l.next, 0) and d.handler = ? and ${sql}`,
      ...keys.parameters,
      handler.name,
      ...parameters,
    );
    const pieces = lanes.filter(({ entity }) => !seen.has(entity)).map((lane): Piece => ({ ...lane, blocked: 1 }));
    for (const { entity } of pieces) seen.add(entity);
    waiting += await countHeld(sources, handler, pieces, turns);
  }
  return waiting;
}

interface Of {
  readonly sources: Sources;
  readonly tenant: string;
  readonly turns: Turns;
}

interface LaneWithLetters {
  readonly entity: number;
  readonly low: number;
  readonly high: number;
  readonly letters: number;
}

/** Behind any: as it is kept for lanes that stand still. Null: not all of them do. */
async function behindAny(of: Of, handler: HandlerRow): Promise<number | null> {
  const { sources, turns } = of;
  const kinds = laneKinds(of, handler.name).filter(({ kind }) => (kind & laneKind.letters) !== 0);
  if (kinds.some(({ kind }) => (kind & laneKind.detached) === 0)) return null;
  const retried = await retriedIn(of, handler.name);
  if (retried === null) return null;
  // A dead letter whose replay waits for a retry is in no list meanwhile.
  const isUnlisted = ({ entity, letters }: LaneWithLetters) => retried.get(entity) === letters;
  const pieces = (lanes: readonly LaneWithLetters[]) => lanes.map(({ entity, low, high }): Piece => ({ entity, low, high, beyond: 0, blocked: 1 }));
  let waiting = waitingIn(kinds);
  for await (const lanes of standingOf(of, handler.name, [...retried.keys()]))
    waiting -= await countHeld(sources, handler, pieces(lanes.filter((lane) => isUnlisted(lane))), turns);
  if (kinds.every(({ kind }) => (kind & laneKind.counted) !== 0)) return waiting;
  for await (const { sql, parameters } of partsOf(sources.db, movingLanesOf(of, handler.name), turns)) {
    const lanes = sources.db().all<LaneWithLetters>(
      `select l.entity, l.next as low, n.revision as high, l.letters from ${lanesFrom} cross join entities n on n.id = l.entity and n.revision >= l.next
         where l.letters > 0 and ${sql}`,
      ...parameters,
    );
    waiting += await countHeld(sources, handler, pieces(lanes.filter((lane) => !isUnlisted(lane))), turns);
  }
  return waiting;
}

/** By entity: dead letters whose replay waits for a retry. Null: of some it is not known which replay. */
async function retriedIn({ sources: { db }, tenant, turns }: Of, handler: string): Promise<ReadonlyMap<number, number> | null> {
  const retried = new Map<number, number>();
  const from = "deliveries d indexed by letters_retried";
  const where = allOf([{ sql: "d.letter = 1 and d.status = 'failed'", parameters: [] }, oneOf("d.handler", [handler]), ...ofTenant("d.tenant", tenant)]);
  if (db().get(`select 1 from ${from} where d.replay_id is null and ${where.sql} limit 1`, ...where.parameters) !== undefined) return null;
  const by = [
    ["d.replay_id", ""],
    ["d.handler", ""],
    ["d.entity", -1],
    ["d.revision", -1],
  ] as const;
  for await (const { sql, parameters } of partsOf(db, { from, where, by }, turns))
    for (const { entity, letters } of db().all<{ entity: number; letters: number }>(
      `select d.entity, count(*) as letters from ${from} where ${sql} group by d.entity`,
      ...parameters,
    ))
      retried.set(entity, (retried.get(entity) ?? 0) + letters);
  return retried;
}

/** Of some entities: lanes that stand still, and in which something may wait. */
async function* standingOf({ sources: { db }, turns }: Of, handler: string, entities: readonly number[]): AsyncGenerator<readonly LaneWithLetters[], void> {
  for (let at = 0; at < entities.length; at += rowsAtOnce) {
    if (turns.due()) await turns.next();
    yield db().all<LaneWithLetters>(
      `select l.entity, l.next as low, n.revision as high, l.letters from json_each(?) r cross join lanes l on l.entity = r.value and l.handler = ?
         cross join entities n on n.id = l.entity and n.revision >= l.next where l.counted is not null`,
      ...[JSON.stringify(entities.slice(at, at + rowsAtOnce)), handler],
    );
  }
}

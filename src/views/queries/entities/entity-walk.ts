import { makeTurns } from "../../../event/turns.ts";
import type { EntityFilterOptions } from "../../model/entity.ts";
import { laneKind } from "../../projections/lane-counts.ts";
import { allOf, oneOf, type Sources } from "../context.ts";
import { handlerRows } from "../deliveries/handler-rows.ts";
import { laneKinds, lanesFrom, lanesOf } from "../handlers/counting.ts";
import { partsOf } from "../parts.ts";
import { listedAtOnce } from "../ways.ts";
import type { EntityRow } from "./entity-row.ts";
import { type NextEntities, nextEntities } from "./next-entities.ts";

/** What a lane has that shows in one of these states, as long as its handler runs. */
const mayShow = { paused: laneKind.paused, blocked: laneKind.why | laneKind.letters, backing_off: laneKind.retry, behind: laneKind.detached } as const;

/**
 * How to come to the next entities by name. Lanes that do not flow have rows; where these are few, their entities are gathered and sorted first, because no index has
 * lanes by name. Where they are many, the entities that have any of them are soon met among all.
 */
export async function makeWalk(
  sources: Sources,
  filter: EntityFilterOptions,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<(after: string) => NextEntities> {
  const { laneState, handler } = filter;
  if (laneState === undefined || laneState === "flowing" || laneState === "stuck" || standsStill(sources, handler))
    return (from) => nextEntities(sources, filter, from);
  const handlers = handler === undefined ? handlerRows(sources).map(({ name }) => name) : [handler];
  const { tenant } = filter;
  const kinds = handlers.flatMap((name) => laneKinds({ sources, tenant }, name));
  if (!kinds.some(({ kind }) => (kind & mayShow[laneState]) !== 0)) return () => ({ rows: [], reached: null, looked: 0 });
  const lanes = kinds.reduce((sum, kind) => sum + kind.lanes, 0);
  const entities = sources.db().get<{ id: number }>("select id from entities order by id desc limit 1")?.id ?? 0; // about
  // To gather takes a step for each lane, to meet a page of them limit × entities / lanes.
  if (lanes * lanes > limit * entities) return (from) => nextEntities(sources, filter, from, { handler });
  const names = await namesWithLanes(sources, filter, handlers, after);
  let at = 0;
  return (from) => {
    while (at < names.length && names[at]! <= from) at++;
    const some = names.slice(at, at + listedAtOnce);
    return { rows: named(sources, some), reached: at + some.length < names.length ? some.at(-1)! : null, looked: some.length };
  };
}

/** In order, those beyond `after`. */
function namesWithLanes(sources: Sources, filter: EntityFilterOptions, handlers: readonly string[], after: string): Promise<readonly string[]> {
  const { tenant, entityType } = filter;
  return sources.atOneMoment(async ({ db }) => {
    const names = new Set<string>();
    const turns = makeTurns();
    for (const handler of handlers)
      for await (const part of partsOf(db, lanesOf({ tenant }, handler), turns)) {
        const wanted = allOf([part, { sql: "n.stream > ?", parameters: [after] }, ...(entityType === undefined ? [] : [oneOf("n.type", [entityType])])]);
        for (const { stream } of db().all<{ stream: string }>(
          `select n.stream from ${lanesFrom} cross join entities n not indexed on n.id = l.entity where ${wanted.sql}`,
          ...wanted.parameters,
        ))
          names.add(stream);
      }
    return [...names].sort();
  });
}

function named({ db }: Sources, names: readonly string[]): readonly EntityRow[] {
  return db().all<EntityRow>(
    `select n.id, n.stream, n.revision, n.recorded_ms from json_each(?) w cross join entities n on n.stream = w.value where n.revision >= 0 order by n.stream`,
    JSON.stringify(names),
  );
}

/** Whether all lanes of the handler (of any, without one) have a state of its own: then those without rows, too. */
function standsStill(sources: Sources, handler: string | undefined): boolean {
  return handlerRows(sources).some(
    ({ name, paused }) => (handler === undefined || handler === name) && (paused === 1 || sources.running.condition(name).state !== "running"),
  );
}

import { makeTurns } from "../../../event/turns.ts";
import type { Sources } from "../context.ts";
import { handlerRows } from "../deliveries/handler-rows.ts";
import { laneRow } from "../deliveries/lane-rows.ts";
import { type Untouched, untouched } from "../deliveries/untouched.ts";

/** How many events a lane holds behind its dead letters, and the first `limit` of them. */
export type Waiting = (lane: { readonly handler: string; readonly entity: number }, limit: number) => Promise<Untouched>;

/** A relaxed handler holds no events. Each lane is counted once. */
export function makeWaiting(sources: Sources): Waiting {
  const handlers = new Map(handlerRows(sources).map((handler) => [handler.name, handler]));
  const known = new Map<string, Untouched>();
  const turns = makeTurns();
  return async ({ handler, entity }, limit) => {
    const row = handlers.get(handler);
    if (row?.ordering !== "strict") return { count: 0, first: [] };
    const key = `${handler}\n${entity}`;
    if (turns.due()) await turns.next();
    const held = known.get(key) ?? (await untouched(sources, row, laneRow(sources, entity, handler), entity, limit, turns));
    known.set(key, held);
    return held;
  };
}

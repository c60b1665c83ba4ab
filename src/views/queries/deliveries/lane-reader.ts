import type { ShownLaneState } from "../../model/entity.ts";
import type { Sources } from "../context.ts";
import type { DeliveryRow } from "./delivery-row.ts";
import { type HandlerRow, handlerRows } from "./handler-rows.ts";
import { type LaneRow, laneColumns } from "./lane-rows.ts";
import { laneState, stuckCalls } from "./lane-state.ts";

/** Nothing of a lane in these states starts at a time that is set. */
const standsStill: readonly ShownLaneState[] = ["paused", "stuck"];

/** Lanes of many entities, and who wants what. For one query: it remembers what it read. */
export interface LaneReader {
  readonly handlers: readonly HandlerRow[];
  entityId(stream: string): number | undefined;
  lanes(entity: number): ReadonlyMap<string, LaneRow>;
  /** Whether the handler wants events of this stored type at this position. */
  wants(handler: string, type: string, position: number): boolean;
  isRunning(handler: string, stream: string, revision: number): boolean;
  /** The lane of an entity for one of `handlers`. */
  state(handler: HandlerRow, entity: number | undefined, stream: string): ShownLaneState;
  /** When a failed delivery is tried again; null where nothing of its lane starts by itself, whatever time was set for it. */
  nextAttemptAt(handler: HandlerRow, entity: number | undefined, stream: string, row: Pick<DeliveryRow, "next_attempt_at">): string | null;
}

export function makeLaneReader(sources: Sources): LaneReader {
  const db = sources.db();
  const handlers = handlerRows(sources);
  const wanted = new Map(handlers.map(({ name }) => [name, new Map<string, number>()]));
  for (const { handler, type, since } of db.all<{ handler: string; type: string; since: number }>("select handler, type, since from temp.wanted"))
    wanted.get(handler)?.set(type, since);
  const running = new Map(
    handlers.map(({ name }) => [name, new Set([...sources.running.running(name)].map(({ stream, revision }) => `${stream}\n${revision}`))]),
  );

  const entityId = memo((stream: string) => db.get<{ id: number }>("select id from entities where stream = ?", stream)?.id);
  const lanes = memo(
    (entity: number): ReadonlyMap<string, LaneRow> =>
      new Map(db.all<LaneRow>(`select ${laneColumns} from lanes where entity = ?`, entity).map((lane) => [lane.handler, lane])),
  );

  const wants = (handler: string, type: string, position: number) => position > (wanted.get(handler)?.get(type) ?? Number.POSITIVE_INFINITY);
  const isRunning = (handler: string, stream: string, revision: number) => running.get(handler)?.has(`${stream}\n${revision}`) ?? false;

  const condition = memo((handler: string) => sources.running.condition(handler));
  const stuck = memo((handler: string) => stuckCalls(sources, handler));
  const state = (handler: HandlerRow, entity: number | undefined, stream: string): ShownLaneState =>
    laneState(handler, condition(handler.name), entity === undefined ? undefined : lanes(entity).get(handler.name), stuck(handler.name).has(stream));

  function nextAttemptAt(handler: HandlerRow, entity: number | undefined, stream: string, row: Pick<DeliveryRow, "next_attempt_at">): string | null {
    return standsStill.includes(state(handler, entity, stream)) || condition(handler.name).state !== "running" ? null : row.next_attempt_at;
  }

  return { handlers, entityId, lanes, wants, isRunning, state, nextAttemptAt };
}

export function memo<K, V>(read: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    if (!known.has(key)) known.set(key, read(key));
    return known.get(key)!;
  };
}

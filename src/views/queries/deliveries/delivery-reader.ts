import { deliveryId } from "../../../event/ids.ts";
import type { DeliveryStatus, DeliveryView } from "../../model/delivery.ts";
import type { Sources } from "../context.ts";
import { amendmentActs } from "../dead-letters/amendments.ts";
import { actsOf } from "./acts.ts";
import { attemptsOf } from "./attempts.ts";
import { completedAt } from "./completed-at.ts";
import type { DeliveryRow } from "./delivery-row.ts";
import type { EventKey } from "./event-key.ts";
import { checkpointOf, type HandlerRow } from "./handler-rows.ts";
import { type LaneReader, makeLaneReader, memo } from "./lane-reader.ts";
import type { LaneRow } from "./lane-rows.ts";
import { holds } from "./lane-state.ts";

interface GapRow {
  readonly handler: string;
  readonly first: number;
  readonly last: number;
  readonly recorded_at: string;
}

/** `letter` is set as long as the delivery has no final outcome but was dead-lettered. */
const open: readonly DeliveryStatus[] = ["failed", "dead_lettered", "escalated"];

/** Whether a wanted event without a row of its own is done. */
export function isPassed(handler: HandlerRow, lane: LaneRow | undefined, { stream, revision, position }: EventKey): boolean {
  if (lane !== undefined && revision < lane.next) return true;
  return lane?.detached !== 1 && position <= checkpointOf(handler, stream);
}

/** Reads deliveries of many events, entity by entity. For one query: it remembers what it read. */
export interface DeliveryReader extends LaneReader {
  /** By handler's name; of those that want the event, or have a record of it. */
  statuses(event: EventKey): ReadonlyMap<string, DeliveryStatus>;
  deliveries(event: EventKey, withHistory: boolean): readonly DeliveryView[];
}

export function makeDeliveryReader(sources: Sources): DeliveryReader {
  const db = sources.db();
  const reader = makeLaneReader(sources);
  const { handlers, entityId, lanes, wants, isRunning, nextAttemptAt } = reader;
  const gaps = memo((entity: number) => db.all<GapRow>("select handler, first, last, recorded_at from gaps where entity = ?", entity));

  function* judged(event: EventKey) {
    const entity = entityId(event.stream);
    const rows =
      entity === undefined ? [] : db.all<DeliveryRow>("select * from deliveries where entity = ? and revision = ? order by handler", entity, event.revision);
    for (const handler of handlers) {
      const row = rows.find((each) => each.handler === handler.name);
      if (row === undefined && !wants(handler.name, event.type, event.position)) continue;
      const lane = entity === undefined ? undefined : lanes(entity).get(handler.name);
      const gap =
        entity === undefined || row !== undefined
          ? undefined
          : gaps(entity).find((each) => each.handler === handler.name && each.first <= event.revision && event.revision <= each.last);
      const passed = row === undefined && isPassed(handler, lane, event);
      const recorded = row?.status ?? (gap ? "skipped" : passed ? "completed" : lane && holds(handler.ordering, lane) ? "held" : "pending");
      const waits = open.includes(recorded) || recorded === "held" || recorded === "pending";
      const status: DeliveryStatus = waits && isRunning(handler.name, event.stream, event.revision) ? "processing" : recorded;
      yield { handler, entity, row, gap, status };
    }
  }

  return {
    ...reader,
    statuses: (event) => new Map([...judged(event)].map(({ handler, status }) => [handler.name, status])),
    deliveries: (event, withHistory) =>
      [...judged(event)].map(({ handler, handler: { name }, entity, row, gap, status }) => ({
        deliveryId: deliveryId(name, event.stream, event.id),
        handler: name,
        status,
        attempts: row?.attempts ?? (status === "completed" ? 1 : 0),
        retryCount: row?.retry_count ?? 0,
        error:
          row === undefined || row.error_type === null || status === "completed" || status === "replayed"
            ? null
            : { type: row.error_type, message: row.error_message ?? "" },
        nextAttemptAt: status === "failed" && row !== undefined ? nextAttemptAt(handler, entity, event.stream, row) : null,
        processedAt: row ? row.processed_at : status === "completed" ? completedAt(sources, name, entity, event) : (gap?.recorded_at ?? null),
        replayId: row?.replay_id ?? null,
        history: withHistory && row && entity !== undefined ? attemptsOf(db, { entity, revision: event.revision, handler: name }) : [],
        amendments: withHistory && row && entity !== undefined ? amendmentActs(db, { entity, revision: event.revision, handler: name }) : [],
        acts: withHistory && row && entity !== undefined ? actsOf(db, { entity, revision: event.revision, handler: name }) : [],
        effects: [],
      })),
  };
}

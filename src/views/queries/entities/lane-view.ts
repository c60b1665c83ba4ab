import type { Turns } from "../../../event/turns.ts";
import type { DeliveryStatus } from "../../model/delivery.ts";
import type { LaneView } from "../../model/entity.ts";
import type { HandlerCondition } from "../../model/running.ts";
import type { Sources } from "../context.ts";
import type { DeliveryReader } from "../deliveries/delivery-reader.ts";
import type { DeliveryRow } from "../deliveries/delivery-row.ts";
import type { HandlerRow } from "../deliveries/handler-rows.ts";
import type { LaneRow } from "../deliveries/lane-rows.ts";
import { holds, stuckCalls, whyHandlerStands } from "../deliveries/lane-state.ts";
import { untouched } from "../deliveries/untouched.ts";
import { rowsAtOnce } from "../ways.ts";
import type { EntityRow } from "./entity-row.ts";

const callGoesOn = (revision: number | undefined) =>
  `the call of revision ${revision} goes on although its time-out is over: nothing of the lane starts until it ends, or the process does`;

const catchesUp = "the lane catches up from its own stream";

/** Deliveries of a lane that are in trouble: how many, and the first. Records of types that the handler wants no more, or of events that no view ever saw, do not count. */
async function troubledIn(
  { db }: Sources,
  handler: string,
  entity: number,
  turns: Turns,
): Promise<{ readonly count: number; readonly first: DeliveryRow | undefined }> {
  const wanted = `from deliveries d join events e not indexed on e.position = d.position and e.entity = d.entity and e.revision = d.revision
      join temp.wanted w on w.handler = d.handler and w.type = e.type and w.since < e.position
    where d.entity = ? and d.revision > ? and d.revision <= ? and d.handler = ? and d.status in ('failed', 'dead_lettered', 'escalated')`;
  let count = 0;
  let first: DeliveryRow | undefined;
  for (let after = -1; ; ) {
    if (turns.due()) await turns.next();
    const { rows, last } = db().get<{ rows: number; last: number | null }>(
      `select count(*) as rows, max(revision) as last from (select revision from deliveries where entity = ? and revision > ? order by revision limit ${rowsAtOnce})`,
      entity,
      after,
    )!;
    if (last === null) return { count, first };
    const part = [entity, after, last, handler] as const;
    count += db().get<{ found: number }>(`select count(*) as found ${wanted}`, ...part)!.found;
    if (count > 0) first ??= db().get<DeliveryRow>(`select d.* ${wanted} order by d.revision limit 1`, ...part);
    if (rows < rowsAtOnce) return { count, first };
    after = last;
  }
}

export async function laneView(
  sources: Sources,
  reader: DeliveryReader,
  { id, stream, revision }: EntityRow,
  handler: HandlerRow,
  turns: Turns,
): Promise<LaneView> {
  const lane = reader.lanes(id).get(handler.name);
  const { count: troubled, first: trouble } = await troubledIn(sources, handler.name, id, turns);
  const { count, first } = await untouched(sources, handler, lane, id, 1, turns);
  const state = reader.state(handler, id, stream);
  const next = first[0];
  const headIsTrouble = trouble !== undefined && (next === undefined || trouble.revision < next.revision);
  const running = (at: number, otherwise: DeliveryStatus): DeliveryStatus => (reader.isRunning(handler.name, stream, at) ? "processing" : otherwise);
  const head: LaneView["head"] = headIsTrouble
    ? {
        eventId: trouble.event_id,
        revision: trouble.revision,
        status: running(trouble.revision, trouble.status),
        error: trouble.error_type === null ? null : { type: trouble.error_type, message: trouble.error_message ?? "" },
        nextAttemptAt: reader.nextAttemptAt(handler, id, stream, trouble),
      }
    : next
      ? {
          eventId: next.id,
          revision: next.revision,
          status: running(next.revision, lane !== undefined && holds(handler.ordering, lane) ? "held" : "pending"),
          error: null,
          nextAttemptAt: null,
        }
      : null;
  return {
    handler: handler.name,
    laneState: state,
    why:
      state === "stuck"
        ? callGoesOn(stuckCalls(sources, handler.name).get(stream))
        : (describe(state, lane, trouble) ??
          whyHandlerStands(handler, withoutDetails(sources.running.condition(handler.name))) ??
          (state === "behind" ? catchesUp : null)),
    nextRevision: lane?.detached === 1 ? lane.next : (next?.revision ?? revision + 1),
    waiting: count + troubled,
    head,
  };
}

/** What stopped a handler concerns all tenants, and its text may name anybody's things: a lane tells the code, the handler tells all. */
function withoutDetails({ fault, ...condition }: HandlerCondition): HandlerCondition {
  return { ...condition, fault: fault === null ? null : (/^[A-Z_]+/.exec(fault)?.[0] ?? "it has stopped") };
}

function describe(state: LaneView["laneState"], lane: LaneRow | undefined, trouble: DeliveryRow | undefined): string | null {
  switch (state) {
    case "paused":
      return lane?.paused === 1 ? `paused by ${lane.paused_by}${lane.paused_reason === null ? "" : `: ${lane.paused_reason}`}` : null;
    case "blocked":
      if (lane?.why === "newer_build") return `revision ${lane.next} is of a schema version newer than this build knows`;
      if (lane?.why === "LOG_DAMAGED") return `LOG_DAMAGED: ${lane.detail}`;
      return trouble === undefined
        ? "a dead letter"
        : `revision ${trouble.revision} is ${trouble.status === "failed" ? "being replayed" : trouble.status.replace("_", "-")}: ${trouble.error_type}: ${trouble.error_message}`;
    case "backing_off":
      return `revision ${lane?.next} failed and is tried again at ${lane?.retry_at}`;
    default:
      return null;
  }
}

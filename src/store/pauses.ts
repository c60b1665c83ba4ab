/** Operators' acts on handlers and on lanes as such: pause, resume, repair, retry now. */

import type { Delivery } from "../delivery/delivery.ts";
import { type ErrorCode, isRepriseError, partlyDone, RepriseError } from "../errors.ts";
import { type Entity, type Position, positionText } from "../event/event.ts";
import { defaultTenant, streamName } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import type { Act } from "../records/act.ts";
import type { Views } from "../views/model.ts";
import type { ActOptions, LaneActOptions, LaneActResult, Store } from "./store.ts";

interface Parts {
  readonly log: EventLog;
  readonly views: Views;
  readonly delivery: Delivery;
}

type LaneAct = (handler: string, stream: string, act: Act) => Promise<Position>;

export function makePauses({
  log,
  views,
  delivery,
}: Parts): Pick<Store, "pauseHandler" | "resumeHandler" | "repairHandler" | "pauseEntity" | "resumeEntity" | "retryEntity"> {
  /** The handlers that the act is about. The views are asked as of now: an entity may have been made a moment ago. */
  async function handlersOf(tenant: string, entity: Entity, handler: string | undefined): Promise<readonly string[]> {
    await views.waitFor(await log.head());
    const view = await views.entity(tenant, entity);
    if (view === undefined) throw new RepriseError("NOT_FOUND", "There is no such entity.");
    const wanting = view.handlers.map((lane) => lane.handler);
    if (handler !== undefined) {
      if (!wanting.includes(handler)) throw new RepriseError("NOT_FOUND", `No handler ${handler} wants any event of this entity.`);
      return [handler];
    }
    const running = wanting.filter((name) => delivery.runs(name));
    if (running.length === 0) throw new RepriseError("NOT_FOUND", "No handler that runs here wants any event of this entity.");
    return running;
  }

  /** Does the act on each lane. @param idle the code that says "there is nothing to do here": an error only when all say so. */
  async function onLanes(
    entity: Entity,
    { tenant = defaultTenant, actor = "local", reason, handler }: LaneActOptions,
    act: LaneAct,
    idle: ErrorCode | null,
  ): Promise<LaneActResult> {
    const handlers: string[] = [];
    let position: Position = 0n;
    let refusal: RepriseError | null = null;
    for (const name of await handlersOf(tenant, entity, handler)) {
      try {
        const recorded = await act(name, streamName(tenant, entity), { actor, reason: reason ?? null });
        handlers.push(name);
        if (recorded > position) position = recorded;
      } catch (error) {
        if (idle === null || !isRepriseError(error, idle, "LANE_PAUSED"))
          throw handlers.length === 0 ? error : partlyDone(error, `It is done for ${handlers.join(", ")}`);
        refusal = error;
      }
    }
    if (handlers.length === 0 && refusal !== null) throw refusal;
    return { handlers, position: positionText(position) };
  }

  const toAct = ({ actor = "local", reason }: ActOptions): Act => ({ actor, reason: reason ?? null });

  return {
    pauseHandler: async (name, options = {}) => positionText(await delivery.pause(name, toAct(options))),
    repairHandler: async (name, options) => {
      const { position, ...rest } = await delivery.repair(name, toAct(options));
      return { ...rest, position: positionText(position) };
    },
    resumeHandler: async (name, options = {}) => positionText(await delivery.resume(name, toAct(options))),
    pauseEntity: (entity, options = {}) => onLanes(entity, options, delivery.pauseLane, null),
    resumeEntity: (entity, options = {}) => onLanes(entity, options, delivery.resumeLane, "NOT_PAUSED"),
    retryEntity: (entity, options = {}) => onLanes(entity, options, delivery.retryLane, "NOT_BACKING_OFF"),
  };
}

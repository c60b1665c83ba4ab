/** What operators do with handlers and with lanes as such: pause, resume, repair, retire, retry now. */
import { countSkipped } from "../delivery/journal/handler-stream.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { type ErrorCode, isRepriseError, partlyDone, RepriseError } from "../errors.ts";
import { type Entity, type Position, type PositionText, positionText } from "../event/event.ts";
import { handlerOfJournal, streamName } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import type { Act } from "../records/act.ts";
import type { Views } from "../views/model/views.ts";
import { type ActOptions, actOf, callerOf, type FinalActOptions } from "./caller.ts";
import { makeRepartition, type RepartitionResult } from "./repartition.ts";
import { doOnce, recorded } from "./requests/on-record.ts";
import { makeRetire, type Retired, type RetireNeeds } from "./retire.ts";

export interface LaneActOptions extends ActOptions {
  /** Default: every handler that runs here and wants any of the entity's events. */
  readonly handler?: string;
}

export interface LaneActResult {
  /** Those whose lane it was done on. */
  readonly handlers: readonly string[];
  /** Of the last record. */
  readonly position: PositionText;
}

export interface RepairResult {
  readonly position: PositionText;
  /** How many events of the journal are skipped from now on. */
  readonly skipped: number;
}

export interface Pauses {
  /**
   * Nothing of the handler starts until it is resumed; what is under way ends.
   *
   * @returns position of the record.
   * @throws NOT_FOUND for a handler that does not run here.
   */
  pauseHandler(name: string, options?: ActOptions): Promise<PositionText>;
  /** @throws NOT_FOUND, NOT_PAUSED */
  resumeHandler(name: string, options?: ActOptions): Promise<PositionText>;
  /** Has events skipped that stand in the handler's journal and are not its own, on record, and lets it work again. @throws NOT_FOUND, NOTHING_TO_REPAIR, NOT_OWNER */
  repairHandler(name: string, options: FinalActOptions): Promise<RepairResult>;
  /**
   * Divides the lanes of a handler into so many partitions. Nothing of it is delivered meanwhile, and nothing is lost: dead letters, retries and pauses stay.
   * What an end of the process has cut off goes on when it is asked for again.
   *
   * @param partitions 1 to 64.
   * @throws NOT_FOUND, REQUEST_INVALID, REPARTITION_RUNNING, REPARTITION_REFUSED, NOT_OWNER
   */
  repartitionHandler(name: string, partitions: number, options?: ActOptions): Promise<RepartitionResult>;
  /** For a handler that the config does not have any more: all that waits for it is discarded, and it is shown no more. @throws NOT_FOUND, HANDLER_PRESENT */
  retireHandler(name: string, options: FinalActOptions): Promise<Retired>;
  /** Nothing of the entity starts for one handler, or for each that wants its events; it keeps its place in line. @throws NOT_FOUND */
  pauseEntity(entity: Entity, options?: LaneActOptions): Promise<LaneActResult>;
  /** @throws NOT_FOUND, NOT_PAUSED when none of its lanes is. */
  resumeEntity(entity: Entity, options?: LaneActOptions): Promise<LaneActResult>;
  /** What waits for a retry is tried now. @throws NOT_FOUND, NOT_BACKING_OFF when none of its lanes waits, LANE_PAUSED */
  retryEntity(entity: Entity, options?: LaneActOptions): Promise<LaneActResult>;
}

interface LaneNeeds {
  readonly log: EventLog;
  readonly views: Views;
  readonly delivery: RunningHandlers;
}

interface OnLanes {
  readonly act: (handler: string, stream: string, act: Act) => Promise<Position>;
  /** Type of its record. */
  readonly record: "lane.paused" | "lane.resumed" | "lane.retried";
  /** The code that says "there is nothing to do here": it is an error only when each lane says so. */
  readonly idle: ErrorCode | null;
}

export function makePauses(needs: RetireNeeds): Pauses {
  const { delivery } = needs;
  return {
    ...makeLaneActs(needs),
    pauseHandler: async (name, options = {}) => positionText(await doOnce(options, "handler.paused", async () => delivery.must(name).pause(actOf(options)))),
    resumeHandler: async (name, options = {}) => positionText(await doOnce(options, "handler.resumed", async () => delivery.must(name).resume(actOf(options)))),
    repairHandler: async (name, options) => {
      const [done] = await recorded(options, "handler.repaired");
      const { position, skipped } =
        done === undefined ? await delivery.must(name).repair(actOf(options)) : { position: done.position, skipped: countSkipped(done.data.skipped) };
      return { skipped, position: positionText(position) };
    },
    repartitionHandler: makeRepartition(needs),
    retireHandler: makeRetire(needs),
  };
}

function makeLaneActs({ log, views, delivery }: LaneNeeds): Pick<Pauses, "pauseEntity" | "resumeEntity" | "retryEntity"> {
  /** The handlers that the act is about. The views must know all that the log holds now: the entity may be a moment old. */
  async function handlersOf(tenant: string, entity: Entity, handler: string | undefined): Promise<readonly string[]> {
    await views.waitFor(await log.head());
    const view = await views.entity(tenant, entity);
    if (view === undefined) throw new RepriseError("NOT_FOUND", "There is no such entity.");
    const wanting = view.handlers.map((lane) => lane.handler);
    if (handler !== undefined) {
      if (!wanting.includes(handler)) throw new RepriseError("NOT_FOUND", `No handler ${handler} wants any event of this entity.`);
      return [handler];
    }
    const running = wanting.filter((name) => delivery.find(name) !== undefined);
    if (running.length === 0) throw new RepriseError("NOT_FOUND", "No handler that runs here wants any event of this entity.");
    return running;
  }

  /** Does the act on each lane. */
  async function onLanes(entity: Entity, options: LaneActOptions, { act, record, idle }: OnLanes): Promise<LaneActResult> {
    const { tenant } = callerOf(options);
    const done = new Map((await recorded(options, record)).map(({ stream, position }) => [handlerOfJournal(stream), position]));
    const handlers: string[] = [];
    let position: Position = 0n;
    let refusal: RepriseError | null = null;
    for (const name of await handlersOf(tenant, entity, options.handler)) {
      try {
        const at = done.get(name) ?? (await act(name, streamName(tenant, entity), actOf(options)));
        handlers.push(name);
        if (at > position) position = at;
      } catch (error) {
        if (idle === null || !isRepriseError(error, idle, "LANE_PAUSED"))
          throw handlers.length === 0 ? error : partlyDone(error, `It is done for ${handlers.join(", ")}`);
        refusal = error;
      }
    }
    if (handlers.length === 0 && refusal !== null) throw refusal;
    return { handlers, position: positionText(position) };
  }

  return {
    pauseEntity: (entity, options = {}) =>
      onLanes(entity, options, { act: (name, stream, act) => delivery.must(name).lanes.pause(stream, act), record: "lane.paused", idle: null }),
    resumeEntity: (entity, options = {}) =>
      onLanes(entity, options, { act: (name, stream, act) => delivery.must(name).lanes.resume(stream, act), record: "lane.resumed", idle: "NOT_PAUSED" }),
    retryEntity: (entity, options = {}) =>
      onLanes(entity, options, { act: (name, stream, act) => delivery.must(name).lanes.retry(stream, act), record: "lane.retried", idle: "NOT_BACKING_OFF" }),
  };
}

/** All handlers of one process. */
import { hostname } from "node:os";
import type { Catalog } from "../catalog/catalog.ts";
import { RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import type { Position } from "../event/event.ts";
import type { NewId } from "../event/ids.ts";
import type { AppendedEvent, EventLog } from "../log/event-log.ts";
import type { Act } from "../records/act.ts";
import type { AttemptError } from "../records/attempt.ts";
import type { Attempt } from "./attempt/attempt.ts";
import { makeFunctionAttempt } from "./attempt/function-attempt.ts";
import { makeWebhookAttempt } from "./attempt/webhook-attempt.ts";
import type { DeliveryLogger } from "./delivery-logger.ts";
import { AloneGate } from "./dispatcher/alone-gate.ts";
import type { Dispatcher } from "./dispatcher/dispatcher.ts";
import type { AmendRequest, LetterEvent, LetterReplayRequest } from "./dispatcher/letter-acts.ts";
import type { HandlerSpec } from "./handler-spec.ts";
import type { DeliveryLimits } from "./limits.ts";
import type { Condition } from "./ownership/condition.ts";
import { refusalOf } from "./ownership/condition.ts";
import { type Repaired, Seat } from "./ownership/seat.ts";
import { makeLife } from "./ownership/signs-of-life.ts";
import type { BorrowedLane } from "./partition/borrowed-lane.ts";
import { type LastEnds, nobodyTold } from "./partition/ends.ts";
import type { LetterReplayEnd, Withdrawal } from "./partition/letter.ts";
import type { Pace } from "./partition/pace.ts";

export interface DeliveryOptions {
  readonly handlers: readonly HandlerSpec[];
  readonly catalog: Catalog;
  readonly log: EventLog;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly random: () => number;
  readonly limits: DeliveryLimits;
  readonly logger: DeliveryLogger;
  readonly build: string;
  /** Left out: nobody told anything. */
  readonly ends?: LastEnds;
  /** A handler works here from now on that another instance had, or that stood still. */
  readonly onTaken?: (handler: string) => void;
}

/** The side of delivery that acts: what operators may order, and what only the running process knows. */
export interface Delivery {
  /** Claims every handler's journal, then lets all of them work. */
  start(): Promise<void>;
  /** Takes nothing new, lets what runs end within `patienceMs`, records all. */
  stop(patienceMs: number): Promise<void>;
  /** Delivers a dead letter again; resolves when the end is on record. @throws NOT_FOUND for a handler that this process does not run, and as Dispatcher.order. */
  order(handler: string, request: LetterReplayRequest): Promise<{ readonly end: LetterReplayEnd; readonly position: Position }>;
  /** Tells the handler at which pace a replay goes; null: it is over. */
  pace(handler: string, replayId: string, pace: Pace | null): void;
  /** As Dispatcher.withdraw: takes back what a replay ordered of this handler and what does not run. */
  withdraw(handler: string, replayId: string, how: Withdrawal): Promise<void>;
  /** Resolves when all lanes that the replay released have passed what it held back. */
  passed(handler: string, replayId: string): Promise<void>;
  /** Lanes that have not. */
  followers(handler: string, replayId: string): number;
  /** Replays on whose pace lanes have been waiting since the start, with the handler. */
  unknownPaces(): readonly { readonly handler: string; readonly replayId: string }[];
  /** Lends the slot of an entity's lane to a replay's own deliveries. */
  lend(handler: string, stream: string, replayId: string): BorrowedLane;
  /** The handler as the config has it; undefined when it does not run here. */
  spec(handler: string): HandlerSpec | undefined;
  discard(handler: string, stream: string, revision: number, act: Act): Promise<Position>;
  /** Makes a dead letter of what waits for its next attempt. @throws as Dispatcher.giveUp */
  giveUp(handler: string, stream: string, revision: number, why: { readonly error: AttemptError; readonly act: Act }): Promise<Position>;
  /** Gives a dead letter other data. @throws as Dispatcher.amend */
  amend(handler: string, request: AmendRequest): Promise<AppendedEvent>;
  /** A dead letter's event with the data that its next delivery would carry; null when the log has it no more. @throws NOT_DEAD_LETTERED */
  letterEvent(handler: string, stream: string, revision: number): Promise<LetterEvent | null>;
  /** @throws what `order` would throw now, so that nothing is written for an act that is refused. */
  mayAct(handler: string, stream: string, revision: number, act: "replay" | "other"): void;
  /** Of a handler: nothing of it starts until it is resumed; the position is that of the record. @throws NOT_PAUSED */
  pause(handler: string, act: Act): Promise<Position>;
  resume(handler: string, act: Act): Promise<Position>;
  /** Of one lane. @throws NOT_PAUSED, NOT_BACKING_OFF, LANE_PAUSED */
  pauseLane(handler: string, stream: string, act: Act): Promise<Position>;
  resumeLane(handler: string, stream: string, act: Act): Promise<Position>;
  retryLane(handler: string, stream: string, act: Act): Promise<Position>;
  runs(handler: string): boolean;
  /** @throws NOT_OWNER while another instance works on one of them */
  mustOwn(handlers: readonly string[]): void;
  /** Has events of a handler's journal that are not its own skipped, on record. @throws NOTHING_TO_REPAIR, NOT_OWNER, NOT_FOUND */
  repair(handler: string, act: Act): Promise<Repaired>;
  /** A dead letter's attempts; undefined when the delivery is none. */
  letterAttempts(handler: string, stream: string, revision: number): number | undefined;
  /** Whether a dead letter carries other data than the stored ones. */
  isAmended(handler: string, stream: string, revision: number): boolean;
  /** Revisions of a lane's dead letters, in order. */
  letters(handler: string, stream: string): readonly number[];
  running(handler: string): readonly { readonly stream: string; readonly revision: number; readonly stuck: boolean }[];
  /** What has become of a handler in this process; its pause is on record. */
  condition(handler: string): Condition;
  /** Of each handler with entities that stand still at a damaged record of the log: how many (1,000: or more), and the place of the first. */
  damaged(): readonly { readonly handler: string; readonly lanes: number; readonly place: string }[];
  /** Handlers that stand still for good, with the reason. */
  faults(): readonly { readonly handler: string; readonly error: RepriseError }[];
  /** Handlers of which nothing is delivered or recorded just now, with the reasons; they go on by themselves. */
  troubles(): readonly { readonly handler: string; readonly trouble: string }[];
}

export function makeDelivery({ handlers, ends = nobodyTold, onTaken = () => {}, ...common }: DeliveryOptions): Delivery {
  const gate = new AloneGate();
  const closers: (() => Promise<void>)[] = [];
  const attempts = new Map(handlers.map((spec) => [spec.name, makeAttempt(spec)])); // now: a header that cannot be sent is a start-up error
  const seats = new Map<string, Seat>();
  const owner = `${hostname()}:${process.pid}`;
  /** Whose signs of life these are, as its claims have it. */
  const { life: instance } = ends;
  const working = () => [...seats.values()].flatMap(({ name, working }) => (working === null ? [] : [{ name, dispatcher: working }]));
  const life = makeLife({
    log: common.log,
    clock: common.clock,
    instance,
    owns: () => working().length > 0,
    check: async () => void (await Promise.all(working().map(({ dispatcher }) => dispatcher.checkOwnership()))),
    onChange: () => {
      for (const { dispatcher } of working()) dispatcher.lookAgain();
    },
  });

  function makeAttempt({ definition, concurrency }: HandlerSpec): Attempt {
    if (definition.kind === "function") return makeFunctionAttempt(definition, common.clock);
    const attempt = makeWebhookAttempt({ ...definition, concurrency }, { clock: common.clock });
    closers.push(() => attempt.close());
    return attempt;
  }

  function mustHave(handler: string): Seat {
    const seat = seats.get(handler);
    if (seat === undefined)
      throw new RepriseError("NOT_FOUND", `Handler ${handler} does not run here: it is not in this config, or the service has not started.`);
    return seat;
  }

  function mustRun(handler: string): Dispatcher {
    return mustHave(handler).mustWork();
  }

  return {
    async start() {
      try {
        for (const spec of handlers) {
          const seat = new Seat({ ...common, spec, attempt: attempts.get(spec.name)!, gate, owner, ends, mayStart: life.isHeard, onTaken });
          await seat.open();
          seats.set(spec.name, seat);
        }
      } catch (error) {
        await Promise.all([...seats.values()].map((seat) => seat.stop(0)));
        throw error;
      }
      life.start();
      for (const seat of seats.values()) seat.start();
    },
    async stop(patienceMs) {
      await Promise.all([...seats.values()].map((seat) => seat.stop(patienceMs)));
      life.stop();
      await Promise.all(closers.map((close) => close()));
    },
    async order(handler, request) {
      return mustRun(handler).letters.replay(request);
    },
    async discard(handler, stream, revision, act) {
      return mustRun(handler).letters.discard(stream, revision, act);
    },
    async giveUp(handler, stream, revision, why) {
      return mustRun(handler).letters.giveUp(stream, revision, why);
    },
    async amend(handler, request) {
      return mustRun(handler).letters.amend(request);
    },
    async letterEvent(handler, stream, revision) {
      return mustRun(handler).letters.event(stream, revision);
    },
    mayAct(handler, stream, revision, act) {
      mustRun(handler).letters.mayAct(stream, revision, act);
    },
    async pause(handler, act) {
      return mustRun(handler).pauses.pause(act);
    },
    async resume(handler, act) {
      return mustRun(handler).pauses.resume(act);
    },
    async pauseLane(handler, stream, act) {
      return mustRun(handler).lanes.pause(stream, act);
    },
    async resumeLane(handler, stream, act) {
      return mustRun(handler).lanes.resume(stream, act);
    },
    async retryLane(handler, stream, act) {
      return mustRun(handler).lanes.retry(stream, act);
    },
    runs: (handler) => seats.has(handler),
    mustOwn(wanted) {
      for (const handler of new Set(wanted)) {
        const fault = seats.get(handler)?.fault;
        if (fault?.code === "FENCED") throw refusalOf(fault);
      }
    },
    repair: async (handler, act) => mustHave(handler).repair(act),
    pace(handler, replayId, pace) {
      mustRun(handler).replays.pace(replayId, pace);
    },
    async withdraw(handler, replayId, how) {
      await mustRun(handler).replays.withdraw(replayId, how);
    },
    async passed(handler, replayId) {
      await mustRun(handler).replays.passed(replayId);
    },
    followers: (handler, replayId) => seats.get(handler)?.dispatcher?.replays.followers(replayId) ?? 0,
    unknownPaces: () => working().flatMap(({ name, dispatcher }) => dispatcher.replays.unknownPaces().map((replayId) => ({ handler: name, replayId }))),
    lend: (handler, stream, replayId) => mustRun(handler).replays.lend(stream, replayId),
    spec: (handler) => (seats.has(handler) ? handlers.find(({ name }) => name === handler) : undefined),
    letterAttempts: (handler, stream, revision) => seats.get(handler)?.dispatcher?.letters.find(stream, revision)?.attempts,
    isAmended: (handler, stream, revision) => seats.get(handler)?.dispatcher?.letters.find(stream, revision)?.isAmended ?? false,
    letters: (handler, stream) => seats.get(handler)?.dispatcher?.letters.revisions(stream) ?? [],
    condition(handler) {
      const seat = seats.get(handler);
      if (seat !== undefined) return seat.condition();
      if (!handlers.some(({ name }) => name === handler)) return { state: "absent", fault: null };
      return { state: "stopped", fault: "the service has not started it" };
    },
    running: (handler) => seats.get(handler)?.dispatcher?.running() ?? [],
    damaged: () =>
      working().flatMap(({ name, dispatcher: { damaged } }) =>
        damaged.size === 0 ? [] : [{ handler: name, lanes: damaged.size, place: [...damaged.values()][0]! }],
      ),
    faults: () => [...seats.values()].flatMap(({ name, fault }) => (fault === null ? [] : [{ handler: name, error: fault }])),
    troubles: () => working().flatMap(({ name, dispatcher: { troubles } }) => troubles.map((trouble) => ({ handler: name, trouble }))),
  };
}

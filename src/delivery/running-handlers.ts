/** All handlers of one process. */
import { hostname } from "node:os";
import type { Catalog } from "../catalog/catalog.ts";
import { RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import type { NewId } from "../event/ids.ts";
import type { EventLog } from "../log/event-log.ts";
import type { Attempt } from "./attempt/attempt.ts";
import { makeFunctionAttempt } from "./attempt/function-attempt.ts";
import { makeWebhookAttempt } from "./attempt/webhook-attempt.ts";
import type { DeliveryLogger } from "./delivery-logger.ts";
import { AloneGate } from "./dispatcher/alone-gate.ts";
import { FlushPace } from "./dispatcher/flush-pace.ts";
import type { FollowUpAppends } from "./follow-ups/follow-up-appends.ts";
import type { HandlerDefinition } from "./handler.ts";
import type { HandlerSpec } from "./handler-spec.ts";
import type { HandlerTwin, TwinOf } from "./handler-twin.ts";
import type { IntegrationSpec } from "./integration-spec.ts";
import { Integrations } from "./integrations/integrations.ts";
import type { DeliveryLimits } from "./limits.ts";
import { type Condition, refusalOf } from "./ownership/condition.ts";
import { HandlerPlace } from "./ownership/handler-place.ts";
import { type PartitionSeat, partitionSeatOf } from "./ownership/partition-seat.ts";
import { makeLife } from "./ownership/signs-of-life.ts";
import { type LastEnds, nobodyTold } from "./partition/ends.ts";
import { makeRunningHandler, type RunningHandler } from "./running-handler.ts";
export interface RunningHandlersOptions {
  readonly handlers: readonly HandlerSpec[];
  /** All that they call and share. Default: nothing. */
  readonly integrations?: readonly IntegrationSpec[];
  readonly catalog: Catalog;
  readonly log: EventLog;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly random: () => number;
  readonly limits: DeliveryLimits;
  readonly logger: DeliveryLogger;
  /** For what handlers append. */
  readonly appends: FollowUpAppends;
  readonly build: string;
  /** Of the project; null: nobody says it. */
  readonly projectBuild?: string | null;
  /** How earlier processes ended; default: nobody knows. */
  readonly ends?: LastEnds;
  /** Told when a handler works here from now on that another instance owned, or that stood still. */
  readonly onTaken?: (handler: string) => void;
  /** Many instances share the handlers' partitions: this one claims and lets go what it is told, over `partitions`. Default: it takes them all. */
  readonly cluster?: ClusterSide;
  readonly calls?: CallOptions;
  /** Of each handler. Default: none. */
  readonly twin?: TwinOf;
}

/** What assigns partitions to instances. */
export interface ClusterSide {
  /** Who this instance is now, for the record. */
  owner(): string;
  /** Whether a partition may start anything here. Asked before each start. */
  mayStart(handler: string, of: number, partition: number): boolean;
}

/** How handlers are called in a test. */
export interface CallOptions {
  /** Calls a webhook, in place of a pool of sockets. */
  readonly webhook: (definition: Extract<HandlerDefinition, { kind: "webhook" }>) => Attempt & { readonly close: () => Promise<void> };
  /** Stands around each call. */
  readonly around: (handler: string, attempt: Attempt) => Attempt;
}

/** The handlers that this process delivers to, each under its name. */
export interface RunningHandlers {
  /** Claims every handler's journal, then lets all of them work. */
  start(): Promise<void>;
  /** Takes nothing new, lets what runs end within `patienceMs`, records all. */
  stop(patienceMs: number): Promise<void>;
  /** Undefined for one that is not in the config, or before `start`. */
  find(handler: string): RunningHandler | undefined;
  /** @throws NOT_FOUND where `find` knows none. */
  must(handler: string): RunningHandler;
  /** @throws NOT_OWNER while another instance works on one of them. */
  mustOwn(handlers: readonly string[]): void;
  /** What the handlers call and share, and the acts on it. */
  readonly integrations: Pick<Integrations, "all" | "isolate" | "reset">;
  /** The places of all partitions of all handlers, after `start`. */
  partitions(): readonly PartitionSeat[];
  /** What has become of a handler in this process, also of one that is not in the config. */
  condition(handler: string): Condition;
  /** Its deliveries under way. */
  running(handler: string): ReturnType<RunningHandler["running"]>;
  /** Those that work here now. */
  working(): readonly RunningHandler[];
  /** Handlers that stand still for good, with the reason. */
  faults(): readonly { readonly handler: string; readonly error: RepriseError }[];
  /** Handlers of which nothing is delivered or recorded just now, with the reasons; they go on by themselves. */
  troubles(): readonly { readonly handler: string; readonly trouble: string }[];
  /** Of each handler with entities that stand still at a damaged record of the log: how many (1,000: or more), and the place of the first. */
  damaged(): readonly { readonly handler: string; readonly lanes: number; readonly place: string }[];
}

interface Place {
  readonly place: HandlerPlace;
  readonly handler: RunningHandler;
  readonly seats: readonly PartitionSeat[];
}

export function makeRunningHandlers(options: RunningHandlersOptions): RunningHandlers {
  const { handlers, log, clock, ends = nobodyTold } = options;
  const integrations = new Integrations({ ...options, specs: options.integrations ?? [] });
  const twins = new Map(handlers.map((spec) => [spec.name, options.twin?.(spec)]));
  const calls = makeAttempts(handlers, twins, options); // made at once, so that a header that cannot be sent is a start-up error
  const places = new Map<string, Place>();
  const dispatchers = () => [...places].flatMap(([name, { place }]) => place.working().map((dispatcher) => ({ name, dispatcher })));
  const life = makeLife({
    log,
    clock,
    instance: ends.life,
    owns: () => dispatchers().length > 0,
    check: async () => void (await Promise.all(dispatchers().map(({ dispatcher }) => dispatcher.checkOwnership()))),
    onChange: () => {
      for (const { dispatcher } of dispatchers()) dispatcher.lookAgain();
    },
  });
  const find = (name: string) => places.get(name)?.handler;

  return {
    async start() {
      await integrations.start();
      await openAll(options, { places, attempts: calls.attempts, twins, mayStart: life.isHeard, integrations });
      if (options.cluster === undefined) life.start();
      for (const { place } of places.values()) for (const seat of place.seats) seat.start();
    },
    async stop(patienceMs) {
      await stopAll(places, patienceMs);
      await integrations.stop();
      life.stop();
      await calls.close();
    },
    find,
    must(name) {
      const handler = find(name);
      if (handler === undefined)
        throw new RepriseError("NOT_FOUND", `Handler ${name} does not run here: it is not in this config, or the service has not started.`);
      return handler;
    },
    mustOwn(names) {
      for (const name of new Set(names)) {
        const fault = places.get(name)?.place.faults.find(({ code }) => code === "FENCED");
        if (fault !== undefined) throw refusalOf(fault);
      }
    },
    condition(name) {
      const handler = find(name);
      if (handler !== undefined) return handler.condition();
      if (!handlers.some((spec) => spec.name === name)) return { state: "absent", fault: null };
      return { state: "stopped", fault: "the service has not started it" };
    },
    integrations,
    partitions: () => [...places.values()].flatMap(({ seats }) => seats),
    running: (name) => find(name)?.running() ?? [],
    working: () => [...places.values()].flatMap(({ place, handler }) => (place.working().length === 0 ? [] : [handler])),
    faults: () => [...places].flatMap(([handler, { place }]) => place.faults.map((error) => ({ handler, error }))),
    troubles: () => dispatchers().flatMap(({ name, dispatcher }) => dispatcher.troubles.map((trouble) => ({ handler: name, trouble }))),
    damaged: () =>
      dispatchers().flatMap(({ name, dispatcher: { damaged } }) =>
        damaged.size === 0 ? [] : [{ handler: name, lanes: damaged.size, place: [...damaged.values()][0]! }],
      ),
  };
}

type Twins = ReadonlyMap<string, HandlerTwin | undefined>;

interface Attempts {
  readonly attempts: ReadonlyMap<string, Attempt>;
  /** Ends the connections to webhooks. */
  close(): Promise<void>;
}

/** @throws CONFIG_INVALID for a webhook whose headers cannot be sent. */
function makeAttempts(
  handlers: readonly HandlerSpec[],
  twins: Twins,
  { clock, calls = {} }: { readonly clock: Clock; readonly calls?: Partial<CallOptions> },
): Attempts {
  const { webhook, around } = calls;
  const attempts = new Map<string, Attempt>();
  const closers: (() => Promise<void>)[] = [];
  const attemptOf = ({ definition, concurrency }: HandlerSpec): Attempt => {
    if (definition.kind === "function") return makeFunctionAttempt(definition, clock);
    const attempt = webhook === undefined ? makeWebhookAttempt({ ...definition, concurrency }, { clock }) : webhook(definition);
    closers.push(() => attempt.close());
    return attempt;
  };
  for (const spec of handlers) {
    const attempt = attemptOf(spec);
    const called = around === undefined ? attempt : around(spec.name, attempt);
    attempts.set(spec.name, twins.get(spec.name)?.attempt(called) ?? called);
  }
  return { attempts, close: async () => void (await Promise.all(closers.map((close) => close()))) };
}

interface OpenNeeds {
  readonly places: Map<string, Place>;
  readonly attempts: ReadonlyMap<string, Attempt>;
  readonly twins: Twins;
  readonly mayStart: () => boolean;
  readonly integrations: Integrations;
}

/** How many partitions a new handler gets whose config says nothing: as many as many instances need to share it. */
const newPartitions = { one: 1, many: 16 };

/** Claims one journal after the other. When one cannot be claimed, those that are get released again. */
async function openAll(
  { handlers, ends = nobodyTold, onTaken = () => {}, cluster, ...common }: RunningHandlersOptions,
  { places, attempts, twins, mayStart, integrations }: OpenNeeds,
): Promise<void> {
  const place = `${hostname()}:${process.pid}`;
  const owns =
    cluster === undefined
      ? { owner: () => place, mayStart, takesOver: true, newPartitions: newPartitions.one }
      : { owner: () => cluster.owner(), mayStart: cluster.mayStart.bind(cluster), takesOver: false, newPartitions: newPartitions.many };
  const shared = { ...owns, gate: new AloneGate(), flushPace: new FlushPace() };
  try {
    for (const spec of handlers) {
      const called = { attempt: attempts.get(spec.name)!, onCompleted: () => twins.get(spec.name)?.completed() };
      const place = new HandlerPlace({ ...common, ...shared, ...called, integrations, spec, ends, onTaken });
      await place.open();
      places.set(spec.name, { place, handler: makeRunningHandler(place), seats: place.seats.map(partitionSeatOf) });
    }
  } catch (error) {
    await stopAll(places, 0);
    throw error;
  }
}

async function stopAll(places: ReadonlyMap<string, Place>, patienceMs: number): Promise<void> {
  await Promise.all(Array.from(places.values(), ({ place }) => place.stop(patienceMs)));
}

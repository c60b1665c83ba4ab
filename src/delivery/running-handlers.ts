/** All handlers of one process. */
import { hostname } from "node:os";
import type { Catalog } from "../catalog/catalog.ts";
import { RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import type { StoredEvent } from "../event/event.ts";
import type { NewId } from "../event/ids.ts";
import type { EventLog } from "../log/event-log.ts";
import type { Attempt } from "./attempt/attempt.ts";
import { type CallOptions, makeAttempts, type Twins } from "./attempts.ts";
import type { DeliveryLogger } from "./delivery-logger.ts";
import { AloneGate } from "./dispatcher/alone-gate.ts";
import { FlushPace } from "./dispatcher/flush-pace.ts";
import type { ArchivedBefore } from "./dispatcher/lane-reader.ts";
import type { FollowUpAppends } from "./follow-ups/follow-up-appends.ts";
import { type HandlerConditions, tellConditions } from "./handler-conditions.ts";
import type { HandlerSpec } from "./handler-spec.ts";
import { type HandlerTroubles, tellTroubles } from "./handler-troubles.ts";
import { nobodySees, type TwinOf } from "./handler-twin.ts";
import type { Instances } from "./inbox/instances.ts";
import { makeInstances } from "./inbox/make-instances.ts";
import type { IntegrationSpec } from "./integration-spec.ts";
import { Integrations } from "./integrations/integrations.ts";
import type { DeliveryLimits } from "./limits.ts";
import type { Cluster } from "./ownership/cluster/cluster.ts";
import { type MakeClusterOptions, makeCluster } from "./ownership/cluster/make-cluster.ts";
import { HandlerPlace } from "./ownership/handler-place.ts";
import type { PartitionSeat } from "./ownership/partition-seat.ts";
import { makeLife } from "./ownership/signs-of-life.ts";
import { alone, among, type WhoOwns } from "./ownership/who-owns.ts";
import { type LastEnds, nobodyTold } from "./partition/ends.ts";
import { makeRunningHandler, type RunningHandler } from "./running-handler.ts";
export interface RunningHandlersOptions {
  readonly handlers: readonly HandlerSpec[];
  /** All that they call and share. Default: nothing. */
  readonly integrations?: readonly IntegrationSpec[];
  readonly catalog: Catalog;
  readonly log: EventLog;
  /** See the lane reader's. */
  readonly archivedBefore?: ArchivedBefore;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly random: () => number;
  readonly limits: DeliveryLimits;
  /** A rule of retention has the texts of journals go in time. Default: no. */
  readonly textsGo?: boolean;
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
  /** Told when instances that share the handlers may have come or gone. */
  readonly onMembers?: () => void;
  /** Told of each event of a replay's stream, where many instances share the handlers. */
  readonly onReplay?: (event: StoredEvent) => void;
  /** What has to be stored before this instance says that it has left the others. */
  readonly beforeLeaving?: () => Promise<void>;
  /** Many instances share the handlers' partitions, so this one claims its share, and lets go what becomes another one's. Default: it takes them all. */
  readonly many?: boolean;
  /** Name of this process, for the record. Default: host name and pid. */
  readonly instance?: string;
  readonly calls?: CallOptions;
  /** Of each handler. Default: none. */
  readonly twin?: TwinOf;
}

/** The handlers that this process delivers to, each under its name. */
export interface RunningHandlers extends HandlerTroubles, HandlerConditions {
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
  /** The instances that share them; null: this one has all to itself. */
  readonly cluster: Cluster | null;
  /** Name of this process; in a cluster the id under which it takes part begins with it. */
  readonly instance: string;
  /** Its deliveries under way. */
  running(handler: string): ReturnType<RunningHandler["running"]>;
  /** Those that work here now. */
  working(): readonly RunningHandler[];
}

interface Place {
  readonly place: HandlerPlace;
  readonly handler: RunningHandler;
}

export function makeRunningHandlers(options: RunningHandlersOptions): RunningHandlers {
  const { handlers, log, clock, ends = nobodyTold } = options;
  const sharing = options.many ? { life: ends.life, isThere: (other: string) => cluster?.membership.has(other) ?? false } : null;
  const integrations = new Integrations({ ...options, specs: options.integrations ?? [], sharing });
  const twins = new Map(handlers.map((spec) => [spec.name, options.twin?.(spec)]));
  const calls = makeAttempts(handlers, twins, options); // made at once, so that a header that cannot be sent is a start-up error
  const places = new Map<string, Place>();
  const dispatchers = () => [...places].flatMap(([name, { place }]) => place.seats.working().map((dispatcher) => ({ name, dispatcher })));
  const lookAgain = () => {
    for (const { dispatcher } of dispatchers()) dispatcher.lookAgain();
  };
  const life = makeLife({
    log,
    clock,
    instance: ends.life,
    owns: () => dispatchers().length > 0,
    check: async () => void (await Promise.all(dispatchers().map(({ dispatcher }) => dispatcher.checkOwnership()))),
    onChange: lookAgain,
  });
  const find = (name: string) => places.get(name)?.handler;
  const partitions = () => [...places.values()].flatMap(({ place }) => place.seats.partitions);
  const { instance = `${hostname()}:${process.pid}` } = options;
  const { cluster, instances } = shareWork(options, { ends, name: instance, seats: partitions, onChange: lookAgain, integrations, places });
  /** One that another instance has, or is about to have, is at work there. */
  const isElsewhere = ({ code }: RepriseError) => cluster !== null && code === "FENCED";

  return {
    async start() {
      const owns = cluster === null ? alone(instance, life.isHeard) : among(cluster);
      await instances?.start();
      await integrations.start(); // after the tail has begun, so that no change is missed between
      await openAll(options, { places, attempts: calls.attempts, twins, owns, integrations, instances, cluster });
      if (cluster !== null) return cluster.start();
      life.start();
      for (const { place } of places.values()) place.start();
    },
    async stop(patienceMs) {
      const byMs = clock.monotonicMs() + patienceMs;
      instances?.stop();
      await cluster?.stop(patienceMs);
      await stopAll(places, Math.max(0, byMs - clock.monotonicMs()));
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
      if (instances === null) for (const name of new Set(names)) places.get(name)?.place.seats.mustBeHere();
    },
    ...tellConditions(handlers, places, cluster),
    integrations,
    partitions,
    ...{ cluster, instance },
    running: (name) => find(name)?.running() ?? [],
    working: () => [...places.values()].flatMap(({ place, handler }) => (place.seats.working().length === 0 ? [] : [handler])),
    ...tellTroubles(places, { dispatchers, isElsewhere }),
  };
}

interface ShareNeeds extends Pick<MakeClusterOptions, "ends" | "name" | "seats" | "onChange"> {
  readonly integrations: Integrations;
  readonly places: ReadonlyMap<string, Place>;
}

/** What this instance is among others; nothing, when it is alone. */
function shareWork(options: RunningHandlersOptions, needs: ShareNeeds): { readonly cluster: Cluster | null; readonly instances: Instances | null } {
  if (!options.many) return { cluster: null, instances: null };
  const { onMembers = () => {}, onReplay = () => {}, beforeLeaving = async () => {} } = options;
  const cluster = makeCluster({ ...options, ...needs, onMembers, beforeLeaving });
  const onIntegration = (event: StoredEvent) => needs.integrations.take(event);
  const mayAsk = () => cluster.membership.isHeard;
  const instances = makeInstances({ ...options, life: needs.ends.life, onIntegration, onReplay, mayAsk }, needs.places);
  return { cluster, instances };
}

interface OpenNeeds {
  readonly places: Map<string, Place>;
  readonly attempts: ReadonlyMap<string, Attempt>;
  readonly twins: Twins;
  readonly owns: WhoOwns;
  readonly integrations: Integrations;
  readonly instances: Instances | null;
  readonly cluster: Cluster | null;
}

/** Claims one journal after the other. When one cannot be claimed, those that are get released again. */
async function openAll(
  { handlers, ends = nobodyTold, onTaken = () => {}, ...common }: RunningHandlersOptions,
  { places, attempts, twins, owns, integrations, instances, cluster }: OpenNeeds,
): Promise<void> {
  const shared = { ...owns, gate: new AloneGate(), flushPace: new FlushPace() };
  const taken = (handler: string) => {
    instances?.owns(places.get(handler)?.place.seats.all.map((seat) => seat.place.journal) ?? []);
    onTaken(handler);
  };
  const onDivided = ({ seats }: HandlerPlace) => {
    void cluster?.divisions.divided(seats.partitions);
    instances?.divided(seats.all.map((seat) => seat.place.journal));
  };
  const damagedElsewhere = (handler: string, of: number) => cluster?.membership.standstills.elsewhere(handler, of).map(({ partition }) => partition) ?? [];
  try {
    for (const spec of handlers) {
      const called = { attempt: attempts.get(spec.name)!, seen: twins.get(spec.name)?.seen ?? nobodySees };
      const place = new HandlerPlace({ ...common, ...shared, ...called, integrations, spec, ends, onTaken: taken, onDivided });
      await place.open();
      places.set(spec.name, { place, handler: makeRunningHandler(place, instances, damagedElsewhere) });
    }
  } catch (error) {
    await stopAll(places, 0);
    throw error;
  }
}

async function stopAll(places: ReadonlyMap<string, Place>, patienceMs: number): Promise<void> {
  await Promise.all(Array.from(places.values(), ({ place }) => place.stop(patienceMs)));
}

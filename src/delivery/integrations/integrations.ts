/** All integrations of one process: each with what the log knows of it, and its changes written there. */
import { isLogTrouble, RepriseError } from "../../errors.ts";
import { type Clock, toIso } from "../../event/clock.ts";
import type { Position } from "../../event/event.ts";
import type { NewId } from "../../event/ids.ts";
import { integrationStream } from "../../event/names.ts";
import { backOff, within } from "../../event/waits.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { Act } from "../../records/act.ts";
import type { IntegrationEvent } from "../../records/integration.ts";
import { ownEvent } from "../../records/own-event.ts";
import type { DeliveryLogger } from "../delivery-logger.ts";
import type { HandlerSpec } from "../handler-spec.ts";
import type { IntegrationSpec } from "../integration-spec.ts";
import { notInTime, withPatience } from "../journal/patience.ts";
import { recordAct } from "../journal/record-act.ts";
import type { BreakerState } from "./breaker.ts";
import type { KeptFuse } from "./fuse.ts";
import { Integration, type Member } from "./integration.ts";
import { readIntegration, recordOfChange } from "./integration-stream.ts";

export interface IntegrationsOptions {
  readonly specs: readonly IntegrationSpec[];
  readonly handlers: readonly Pick<HandlerSpec, "name" | "integration">[];
  readonly log: EventLog;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly logger: DeliveryLogger;
}

/** An integration as this process knows it. Times of the wall clock. */
export interface ShownIntegration {
  readonly name: string;
  readonly state: BreakerState;
  /** When the breaker changed last; null: never. */
  readonly since: string | null;
  /** While it is open: when the next trial may begin. */
  readonly until: string | null;
  /** It asked to be left alone until then. */
  readonly gatedUntil: string | null;
  /** Failures that count towards opening it. */
  readonly failures: number;
  /** Those that call it. */
  readonly handlers: readonly string[];
}

const waits = { firstMs: 100, lastMs: 5000 };
/** What is left to be written when the service stops has this long. */
const lastRecordsMs = 1000;

export class Integrations {
  readonly #options: IntegrationsOptions;
  readonly #places = new Map<string, Place>();
  readonly #leaving = new AbortController();

  constructor(options: IntegrationsOptions) {
    this.#options = options;
    for (const spec of options.specs) this.#places.set(spec.name, new Place(spec, options, this.#leaving.signal));
  }

  /** Reads what the log knows of each. */
  async start(): Promise<void> {
    for (const place of this.#places.values()) await place.read();
  }

  async stop(): Promise<void> {
    const written = Promise.all(Array.from(this.#places.values(), (place) => place.written()));
    await within(written, lastRecordsMs, this.#options.clock, () => {});
    this.#leaving.abort();
  }

  /** A handler that begins to work here. What another process did to the integration meanwhile is read first. */
  async join(name: string): Promise<Member> {
    const place = this.#must(name);
    if (!place.integration.isUsed) await place.read();
    return place.integration.join();
  }

  all(): readonly ShownIntegration[] {
    return Array.from(this.#places.values(), (place) => place.shown());
  }

  /** Nothing of its handlers is called until it is reset. @throws NOT_FOUND */
  async isolate(name: string, act: Act): Promise<Position> {
    return this.#must(name).act({ type: "integration.isolated", data: { act } }, { kind: "isolated" });
  }

  /** Closes it, whatever it was. @throws NOT_FOUND */
  async reset(name: string, act: Act): Promise<Position> {
    return this.#must(name).act({ type: "integration.reset", data: { act } }, { kind: "closed" });
  }

  #must(name: string): Place {
    const place = this.#places.get(name);
    if (place === undefined) throw new RepriseError("NOT_FOUND", `There is no integration ${name}: it is not in this config.`);
    return place;
  }
}

/** One integration and its stream. Records are written one after another; the last change is the last one on record. */
class Place {
  readonly integration: Integration;
  readonly #options: IntegrationsOptions;
  readonly #signal: AbortSignal;
  #since: string | null = null;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(spec: IntegrationSpec, options: IntegrationsOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.integration = new Integration(spec, (change) => {
      const nowMs = options.clock.now();
      if (change.kind !== "gated") this.#since = toIso(nowMs);
      const { logger } = options;
      const about = { integration: spec.name, ...change };
      if (change.kind === "closed") logger.info(about, "the integration is back: its handlers go on");
      else logger.warn(about, change.kind === "opened" ? "the integration is down: its handlers wait" : "the integration asked for a break: its handlers wait");
      this.#writing = this.#writing.then(() => this.#write(recordOfChange(change, nowMs)));
    });
  }

  async read(): Promise<void> {
    const { log, clock } = this.#options;
    await this.#writing;
    const kept = await readIntegration(log, this.integration.spec.name, clock.now());
    this.#since = kept.since;
    this.integration.fuse.become(kept.breaker, kept.gatedMs, clock.monotonicMs());
  }

  async written(): Promise<void> {
    await this.#writing;
  }

  shown(): ShownIntegration {
    const { clock } = this.#options;
    const [nowMs, monotonicMs] = [clock.now(), clock.monotonicMs()];
    const { state, untilMs, gatedUntilMs, failures } = this.integration.fuse.at(monotonicMs);
    const at = (ms: number | null) => (ms === null ? null : toIso(nowMs + Math.max(0, ms - monotonicMs)));
    const { name } = this.integration.spec;
    const handlers = this.#options.handlers.filter(({ integration }) => integration?.name === name).map((handler) => handler.name);
    return { name, state, since: this.#since, until: at(untilMs), gatedUntil: at(gatedUntilMs), failures, handlers };
  }

  /** In force once it is on record. */
  async act(event: IntegrationEvent, state: KeptFuse["breaker"]): Promise<Position> {
    const { log, clock } = this.#options;
    return withPatience(clock, (patience) => {
      const turn = this.#writing.then(async () => {
        if (patience.over) throw notInTime();
        const { position, recordedAt } = await recordAct({ log, clock, signal: this.#signal }, this.#recordOf(event));
        this.#since = recordedAt;
        this.integration.fuse.become(state, state.kind === "closed" ? 0 : null, clock.monotonicMs());
        this.integration.wake();
        return position;
      });
      this.#writing = turn.catch(() => {});
      return turn;
    });
  }

  /** What happened by itself is in force already, and is written as soon as the log takes it. */
  async #write(event: IntegrationEvent): Promise<void> {
    const { log, clock, logger } = this.#options;
    const record = this.#recordOf(event);
    for (let failures = 0; !this.#signal.aborted; failures++)
      try {
        await log.append(record.stream, record.events, record.expected); // the same ids: a repeat after an unclear end stores nothing twice
        return;
      } catch (err) {
        logger.warn({ integration: this.integration.spec.name, err }, "a change of the integration could not be recorded; tried again");
        if (!isLogTrouble(err)) return;
        await backOff(failures, waits, clock, this.#signal);
      }
  }

  #recordOf({ type, data }: IntegrationEvent) {
    const { newId } = this.#options;
    return { stream: integrationStream(this.integration.spec.name), events: [ownEvent(newId, type, data)], expected: "any" as const };
  }
}

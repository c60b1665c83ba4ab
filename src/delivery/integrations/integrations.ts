/** All integrations of one process: each with what the log knows of it, and its changes written there. */
import { RepriseError } from "../../errors.ts";
import { type Clock, toIso } from "../../event/clock.ts";
import type { Position, StoredEvent } from "../../event/event.ts";
import type { NewId } from "../../event/ids.ts";
import { integrationStream } from "../../event/names.ts";
import { within } from "../../event/waits.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { Act } from "../../records/act.ts";
import type { DeliveryLogger } from "../delivery-logger.ts";
import type { HandlerSpec } from "../handler-spec.ts";
import type { IntegrationSpec } from "../integration-spec.ts";
import type { BreakerState } from "./breaker.ts";
import type { Member } from "./integration.ts";
import { IntegrationPlace, type Sharing } from "./integration-place.ts";

export interface IntegrationsOptions {
  readonly specs: readonly IntegrationSpec[];
  readonly handlers: readonly Pick<HandlerSpec, "name" | "integration">[];
  readonly log: EventLog;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly logger: DeliveryLogger;
  /** Where several processes call them; null: this one calls them alone. */
  readonly sharing: Sharing | null;
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

/** What is left to be written when the service stops has this long. */
const lastRecordsMs = 1000;

export class Integrations {
  readonly #options: IntegrationsOptions;
  readonly #places = new Map<string, IntegrationPlace>();
  readonly #leaving = new AbortController();

  constructor(options: IntegrationsOptions) {
    this.#options = options;
    for (const spec of options.specs) this.#places.set(spec.name, new IntegrationPlace(spec, { ...options, signal: this.#leaving.signal }));
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

  /** A handler that begins to work here. What another process did to the integration meanwhile is read first, where nobody told of it. */
  async join(name: string): Promise<Member> {
    const place = this.#must(name);
    if (!place.integration.isUsed && this.#options.sharing === null) await place.read();
    return place.integration.join();
  }

  /** An event of an integration's stream, as it comes: of another process, or of this one. */
  take(event: StoredEvent): void {
    this.#places.get(event.stream.slice(integrationStream("").length))?.take(event as unknown as Parameters<IntegrationPlace["take"]>[0]);
  }

  /** @param tenant whose failures are told; left out: all tenants'. */
  all(tenant?: string): readonly ShownIntegration[] {
    return Array.from(this.#places.values(), (place) => this.#shown(place, tenant));
  }

  /** Nothing of its handlers is called until it is reset. @throws NOT_FOUND */
  async isolate(name: string, act: Act): Promise<Position> {
    return this.#must(name).act({ type: "integration.isolated", data: { act } });
  }

  /** Closes it, whatever it was. @throws NOT_FOUND */
  async reset(name: string, act: Act): Promise<Position> {
    return this.#must(name).act({ type: "integration.reset", data: { act } });
  }

  #must(name: string): IntegrationPlace {
    const place = this.#places.get(name);
    if (place === undefined) throw new RepriseError("NOT_FOUND", `There is no integration ${name}: it is not in this config.`);
    return place;
  }

  #shown({ integration, since }: IntegrationPlace, tenant: string | undefined): ShownIntegration {
    const { clock, handlers } = this.#options;
    const [nowMs, monotonicMs] = [clock.now(), clock.monotonicMs()];
    const { state, untilMs, gatedUntilMs, failures } = integration.fuse.at(monotonicMs, tenant);
    const at = (ms: number | null) => (ms === null ? null : toIso(nowMs + Math.max(0, ms - monotonicMs)));
    const { name } = integration.spec;
    const callers = handlers.filter((handler) => handler.integration?.name === name).map((handler) => handler.name);
    return { name, state, since, until: at(untilMs), gatedUntil: at(gatedUntilMs), failures, handlers: callers };
  }
}

import type { CurrentData, EventDefinition } from "../catalog/define.ts";
import type { Config } from "../config/config.ts";
import type { DeliveryLogger } from "../delivery/delivery-logger.ts";
import type { HandlerDefinition } from "../delivery/handler.ts";
import type { Entity, Json } from "../event/event.ts";
import type { AppendOptions, EventInput } from "../store/append/event-input.ts";
import type { Store } from "../store/store.ts";
import type { DeadLetterView } from "../views/model/dead-letter.ts";
import type { DeliveryView } from "../views/model/delivery.ts";
import type { ShownLaneState } from "../views/model/entity.ts";
import type { ExpectedLetter } from "./assertions.ts";
import type { LiftedEnvelope, LiftedEvent } from "./lift.ts";
import type { LaneFilter, LetterFilter, TestLane } from "./queries.ts";
import type { TestClock } from "./test-clock.ts";
import type { WebhookPost, WebhookReceiver } from "./webhook-post.ts";

export interface TestStoreOptions {
  /** The time at which the clock begins: a Date, milliseconds since 1970, or RFC 3339. Default: 2026-01-01T00:00:00Z, so that a test finds the same each day. */
  readonly now?: Date | number | string;
  /** By handler: how a webhook's receiver answers. No request leaves the process; without a receiver a webhook answers 204. */
  readonly webhooks?: Readonly<Record<string, WebhookReceiver>>;
  /** What jitter is drawn from, 0 to 1. Default: always 0. */
  readonly random?: () => number;
  /** How long, in real time, one call of a handler is waited for that does not end by itself. Default 100 ms. */
  readonly patienceMs?: number;
  /** Where troubles are told, pino's interface. Default: nowhere. */
  readonly logger?: DeliveryLogger;
}

/**
 * A store in memory, started. Whatever its methods answer is as of a store at rest: all that is due was delivered, recorded and is in the views. Time passes
 * only when the test moves the clock, so that retries, time-outs and paces take no real time.
 */
export interface TestStore {
  /** The real one: appends, reads, replays, acts. A restart makes another. */
  readonly store: Store;
  readonly clock: TestClock;
  /** Appends as the store does, and comes to rest. */
  readonly append: Store["append"];
  /** Appends one event and tells what became of its delivery to this handler. Others get it, too, as from a real store. */
  deliver(handler: string | HandlerDefinition, event: EventInput, options?: AppendOptions): Promise<DeliveryView>;
  /** Data of an older version as handlers get it today. @throws UPCAST_FAILED and others of the catalog, Error for an event that is split or dropped. */
  lift<E extends EventDefinition>(type: E, version: number, data: unknown, envelope?: LiftedEnvelope): CurrentData<E>;
  lift(type: string, version: number, data: unknown, envelope?: LiftedEnvelope): Json;
  /** As `lift`, for events that a step splits or drops. */
  liftEvent(type: string | EventDefinition, version: number, data: unknown, envelope?: LiftedEnvelope): LiftedEvent;
  /** The handler's next calls fail with this error, in place of being made. For a webhook it may be an answer, `{ status: 503 }`. @param times default 1. */
  failNext(handler: string | HandlerDefinition, error?: unknown, times?: number): void;
  /** Comes to rest: all that is due is done. */
  settled(): Promise<void>;
  /** Dead letters, in the order of the log. */
  letters(filter?: LetterFilter): Promise<readonly DeadLetterView[]>;
  /** One lane for each entity and each handler that wants any of its events. */
  lanes(filter?: LaneFilter): Promise<readonly TestLane[]>;
  /** What webhooks were sent, oldest first; at most the last 10,000. */
  posts(handler?: string): readonly WebhookPost[];
  /** The one dead letter that is as expected. @throws AssertionError that lists those that there are. */
  assertLetter(expected?: ExpectedLetter): Promise<DeadLetterView>;
  /** @throws AssertionError when the lane is in another state. */
  assertLane(handler: string | HandlerDefinition, entity: Entity, state: ShownLaneState): Promise<TestLane>;
  /** Every event is done for every handler that wants it. @throws AssertionError that names the lanes in which something waits. */
  assertDone(filter?: LaneFilter): Promise<void>;
  /** Stops and starts again on the same log: as a deployment does, with another config where one is given. */
  restart(config?: Config): Promise<void>;
  /** May be called twice. Nothing is left behind without it, either: there is no file, no socket and no timer. */
  close(): Promise<void>;
}

import type { Catalog } from "../../catalog/catalog.ts";
import type { Clock } from "../../event/clock.ts";
import { isEntityStream } from "../../event/names.ts";
import { backOff } from "../../event/waits.ts";
import type { EventLog, SubscriptionBatch } from "../../log/event-log.ts";
import type { DeliveryLogger } from "../delivery-logger.ts";
import type { HandlerSpec } from "../handler-spec.ts";
import { claimType, fencedBy } from "../journal/claim.ts";
import type { JournalStream } from "../journal/journal-stream.ts";
import type { DeliveryLimits } from "../limits.ts";
import type { Partition } from "../partition/partition.ts";
import { type Lifetime, retryWaits } from "./lifetime.ts";
import type { Pump } from "./pump.ts";

export interface SubscriberOptions {
  readonly spec: HandlerSpec;
  readonly catalog: Catalog;
  readonly log: EventLog;
  readonly clock: Clock;
  readonly logger: DeliveryLogger;
  readonly limits: DeliveryLimits;
  readonly journal: JournalStream;
  readonly partition: Partition;
  readonly life: Lifetime;
  readonly pump: Pump;
}

/** Feeds a partition from the log, as long as it has room. */
export class Subscriber {
  readonly #options: SubscriberOptions;
  #ended: Promise<void> = Promise.resolve();
  /** Lets the subscription go on that waits for room. */
  #goOn: (() => void) | null = null;
  #saidTooMany = false;
  #trouble: string | null = null;

  constructor(options: SubscriberOptions) {
    this.#options = options;
  }

  /** Why nothing is read from the log just now. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Resolves when it reads nothing any more. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  start(): void {
    this.#ended = this.#subscribe();
  }

  /** Something has changed: there may be room again. */
  roomMayHaveCome(): void {
    if (this.#goOn !== null && this.#mayRead()) this.#goOn();
  }

  /** Ends a wait for room, whether there is any or not. */
  wake(): void {
    this.#goOn?.();
  }

  async #subscribe(): Promise<void> {
    const { log, catalog, spec, logger, clock, partition, life } = this.#options;
    const signal = life.reading;
    // Claims as well: what comes behind the claim of another owner is not ours to deliver, even when we have not written for long.
    const types = [...catalog.candidates(spec.types), claimType];
    for (let failures = 0; !signal.aborted && life.fault === null; failures++) {
      try {
        for await (const batch of log.subscribe({ after: partition.reading.position(), filter: { types }, signal })) {
          failures = 0;
          this.#trouble = null;
          if (!(await this.#offer(batch))) return;
        }
      } catch (error) {
        this.#trouble = `the log cannot be read: ${error instanceof Error ? error.message : String(error)}`;
        logger.warn({ handler: spec.name, err: error }, "the subscription dropped; it goes on by itself");
        await backOff(failures, retryWaits, clock, signal);
      }
    }
  }

  /** @returns false when nothing is to be read any more. */
  async #offer({ events, bytes, position }: SubscriptionBatch): Promise<boolean> {
    const { journal, partition, life, pump } = this.#options;
    const eventBytes = bytes / events.length;
    for (const event of events) {
      if (event.type === claimType && !isEntityStream(event.stream)) {
        if (!journal.isTakenBy(event)) continue;
        life.fail(fencedBy(event));
        return false;
      }
      if (!this.#mayRead() && !(await this.#room())) return false;
      partition.reading.offer(event, eventBytes);
    }
    partition.reading.scanned(position);
    pump.now();
    return true;
  }

  /** Reads nothing while deliveries that end at once still work on what was read: events that wait for long are expensive for the garbage collector. */
  #mayRead(): boolean {
    return !this.#options.pump.isBehind && this.#options.partition.reading.hasRoom();
  }

  /** Waits until the partition may take more. @returns false when the dispatcher stops. */
  async #room(): Promise<boolean> {
    const { partition, life, pump } = this.#options;
    while (!this.#mayRead() && !life.isOver) {
      this.#sayTooMany();
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#goOn = resolve;
      if (!pump.isBehind) pump.now();
      await promise;
      this.#goOn = null;
    }
    this.#saidTooMany &&= partition.reading.tooManyLanes();
    return !life.isOver;
  }

  /** Says so once, until there are fewer again. */
  #sayTooMany(): void {
    const { spec, limits, logger, partition } = this.#options;
    if (this.#saidTooMany || !partition.reading.tooManyLanes()) return;
    this.#saidTooMany = true;
    logger.error(
      { handler: spec.name, limit: limits.recordedLanes },
      "too many lanes are blocked or behind: the handler reads no further until some flow again",
    );
  }
}

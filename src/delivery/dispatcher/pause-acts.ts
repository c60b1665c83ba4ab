import { RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import type { Position } from "../../event/event.ts";
import type { NewId } from "../../event/ids.ts";
import { policyActor } from "../../event/names.ts";
import { backOff } from "../../event/waits.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { Act } from "../../records/act.ts";
import type { DeliveryLogger } from "../delivery-logger.ts";
import { pauseRecord } from "../journal/handler-stream.ts";
import { notInTime, withPatience } from "../journal/patience.ts";
import { recordAct } from "../journal/record-act.ts";
import type { Hold } from "../partition/schedule.ts";
import { retryWaits } from "./lifetime.ts";

export interface PauseActsOptions {
  readonly handler: string;
  readonly log: EventLog;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly logger: DeliveryLogger;
  /** The service stops. */
  readonly signal: AbortSignal;
}

/** One partition of the handler, at work here. */
export interface Pausable {
  hold(why: Hold, held: boolean): void;
  /** Has it look at what it may start. */
  wake(): void;
}

/**
 * Pausing and resuming a handler as a whole: all of its partitions. Acts go one after another: the last one that was asked for is the last one on record.
 */
export class PauseActs {
  readonly #options: PauseActsOptions;
  readonly #partitions = new Set<Pausable>();
  #paused = false;
  #beingRecorded = 0;
  #acts: Promise<unknown> = Promise.resolve();

  constructor(options: PauseActsOptions) {
    this.#options = options;
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  /** @returns what ends it. */
  bind(partition: Pausable): () => void {
    this.#partitions.add(partition);
    partition.hold("paused", this.#paused);
    partition.hold("pause_being_recorded", this.#beingRecorded > 0);
    return () => void this.#partitions.delete(partition);
  }

  /** As the handler's record says. */
  become(paused: boolean): void {
    this.#paused = paused;
    this.#hold("paused", paused);
    this.#wake();
  }

  /** Keeps everything from starting. What is under way ends. @returns position of its record. */
  async pause(act: Act): Promise<Position> {
    this.#beingRecorded++;
    this.#hold("pause_being_recorded", true); // at once, whatever waits before it
    try {
      return await this.#inTurn(() => this.#record({ why: act.reason ?? "by an operator" }, act));
    } finally {
      this.#beingRecorded--;
      this.#hold("pause_being_recorded", this.#beingRecorded > 0);
      this.#wake();
    }
  }

  /** @throws NOT_PAUSED */
  async resume(act: Act): Promise<Position> {
    return this.#inTurn(async () => {
      if (!this.#paused) throw new RepriseError("NOT_PAUSED", `Handler ${this.#options.handler} is not paused.`);
      return this.#record(null, act);
    });
  }

  /** The receiver is gone: nobody asked for this pause, so it is in force at once, and recorded as soon as the log takes it. */
  pauseForGone(why: string): void {
    if (this.#paused) return;
    this.#paused = true;
    const { handler, logger, clock, signal } = this.#options;
    this.#hold("paused", true);
    logger.error({ handler }, "the receiver is gone (410): the handler is paused; resume it, or give it another url and restart");
    const record = async (): Promise<void> => {
      for (let failures = 0; !signal.aborted; failures++)
        try {
          await this.#record({ why }, { actor: policyActor, reason: why });
          return;
        } catch (error) {
          logger.warn({ handler, err: error }, "the pause could not be recorded; tried again");
          await backOff(failures, retryWaits, clock, signal);
        }
    };
    this.#acts = this.#acts.then(record);
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    return withPatience(this.#options.clock, (patience) => {
      const turn = this.#acts.then(() => {
        if (patience.over) throw notInTime();
        return act();
      });
      this.#acts = turn.catch(() => {});
      return turn;
    });
  }

  /** In force once it is on record. */
  async #record(paused: { readonly why: string } | null, act: Act): Promise<Position> {
    const { handler, log, clock, newId, signal } = this.#options;
    const record = pauseRecord(newId, handler, paused, act);
    const { position } = await recordAct({ log, clock, signal }, record);
    this.become(paused !== null);
    return position;
  }

  #hold(why: Hold, held: boolean): void {
    for (const partition of this.#partitions) partition.hold(why, held);
  }

  #wake(): void {
    for (const partition of this.#partitions) partition.wake();
  }
}

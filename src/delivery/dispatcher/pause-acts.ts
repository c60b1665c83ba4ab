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
import type { Partition } from "../partition/partition.ts";
import { type Lifetime, retryWaits } from "./lifetime.ts";
import type { Pump } from "./pump.ts";

export interface PauseActsOptions {
  readonly handler: string;
  readonly log: EventLog;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly logger: DeliveryLogger;
  readonly partition: Partition;
  readonly life: Lifetime;
  readonly pump: Pump;
  /** As its record says. */
  readonly paused: boolean;
}

/** Pausing and resuming a handler as a whole. Acts go one after another: the last one that was asked for is the last one on record. */
export class PauseActs {
  readonly #options: PauseActsOptions;
  #paused: boolean;
  #beingRecorded = 0;
  #acts: Promise<unknown> = Promise.resolve();

  constructor(options: PauseActsOptions) {
    this.#options = options;
    this.#paused = options.paused;
    options.partition.schedule.hold("paused", options.paused);
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  /** Keeps everything from starting. What is under way ends. @returns position of its record. */
  async pause(act: Act): Promise<Position> {
    const { life, partition, pump } = this.#options;
    life.mustWork();
    this.#beingRecorded++;
    partition.schedule.hold("pause_being_recorded", true); // at once, whatever waits before it
    try {
      return await this.#inTurn(() => this.#record({ why: act.reason ?? "by an operator" }, act));
    } finally {
      this.#beingRecorded--;
      partition.schedule.hold("pause_being_recorded", this.#beingRecorded > 0);
      pump.now();
    }
  }

  /** @throws NOT_PAUSED */
  async resume(act: Act): Promise<Position> {
    this.#options.life.mustWork();
    return this.#inTurn(async () => {
      if (!this.#paused) throw new RepriseError("NOT_PAUSED", `Handler ${this.#options.handler} is not paused.`);
      return this.#record(null, act);
    });
  }

  /** The receiver is gone: nobody asked for this pause, so it is in force at once, and recorded as soon as the log takes it. */
  pauseForGone(why: string): void {
    if (this.#paused) return;
    this.#paused = true;
    const { handler, partition, logger, clock, life } = this.#options;
    partition.schedule.hold("paused", true);
    logger.error({ handler }, "the receiver is gone (410): the handler is paused; resume it, or give it another url and restart");
    const record = async (): Promise<void> => {
      for (let failures = 0; !life.reading.aborted; failures++)
        try {
          await this.#record({ why }, { actor: policyActor, reason: why });
          return;
        } catch (error) {
          logger.warn({ handler, err: error }, "the pause could not be recorded; tried again");
          await backOff(failures, retryWaits, clock, life.reading);
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
    const { handler, log, clock, newId, partition, life, pump } = this.#options;
    const record = pauseRecord(newId, handler, paused, act);
    const { position } = await recordAct({ log, clock, signal: life.reading }, record);
    this.#paused = paused !== null;
    partition.schedule.hold("paused", this.#paused);
    pump.now();
    return position;
  }
}

/**
 * The place of one of a handler's partitions in this process: at work, standing still, or waiting to take over from another instance. One that stands still
 * keeps no other from its work.
 */
import { isLogTrouble, isRepriseError, RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import { journalStream } from "../../event/names.ts";
import { pause } from "../../event/waits.ts";
import type { Act } from "../../records/act.ts";
import type { Dispatcher } from "../dispatcher/dispatcher.ts";
import { type OpenDispatcherOptions, openDispatcher } from "../dispatcher/open-dispatcher.ts";
import type { HandlerRecord } from "../journal/handler-stream.ts";
import { type Repaired, recordRepair } from "../journal/record-repair.ts";
import { claimPartition } from "./claim-partition.ts";
import { type Condition, conditionOf, refusalOf } from "./condition.ts";
import { untilOwnerless } from "./standby.ts";
import { damageIn } from "./standstill.ts";

export interface SeatOptions extends Omit<OpenDispatcherOptions, "onFault"> {
  readonly clock: Clock;
  /** What the log has on record of the handler, compared with what this process has. */
  readonly configure: () => Promise<HandlerRecord>;
  /** Whether it takes over by itself when the owner is gone; otherwise it is told when to claim, and when to let go. */
  readonly takesOver: boolean;
  /** Told when the handler works here from now on, so that replays that another instance ran go on here. */
  readonly onTaken: (handler: string) => void;
}

export interface LetGo {
  /** Nothing is aborted when a call does not end in time: the partition is kept. */
  readonly keepIfBusy?: boolean;
  readonly because?: RepriseError;
}

/** The wait before a take-over is tried again that failed. */
const retryMs = 2000;

export class Seat {
  readonly #options: SeatOptions;
  #dispatcher: Dispatcher | null = null;
  /** Why it does not work; null while it does, or before it was opened. */
  #fault: RepriseError | null = null;
  /** It has worked here, before another one took over. */
  #worked = false;
  #started = false;
  #watching: Promise<void> | null = null;
  readonly #leaving = new AbortController();

  constructor(options: SeatOptions) {
    this.#options = options;
  }

  get place(): { readonly handler: string; readonly partition: number; readonly of: number; readonly journal: string } {
    const { spec, partition, of } = this.#options;
    return { handler: spec.name, partition, of, journal: journalStream(spec.name, of, partition) };
  }

  get fault(): RepriseError | null {
    const { takesOver, mayStart } = this.#options;
    if (!takesOver && this.#dispatcher === null && damageIn(this.#fault) !== null && !mayStart()) return null; // it is another instance's to say
    return this.#fault ?? this.#dispatcher?.life.fault ?? null;
  }

  /** The dispatcher, in whatever condition; null when the journal could not be opened. */
  get dispatcher(): Dispatcher | null {
    return this.#dispatcher;
  }

  /** The dispatcher, when it works here. Null while it stands still or another instance owns the journal. */
  get working(): Dispatcher | null {
    return this.fault === null ? this.#dispatcher : null;
  }

  /** @throws NOT_FOUND before it was opened, NOT_OWNER while another instance works on it, its fault while it stands still. */
  mustWork(): Dispatcher {
    const { fault } = this;
    if (fault !== null) throw refusalOf(fault);
    if (this.#dispatcher !== null) return this.#dispatcher;
    const { spec, takesOver } = this.#options;
    if (!takesOver) throw refusalOf(new RepriseError("FENCED", "Another instance works on it."));
    throw new RepriseError("NOT_FOUND", `Handler ${spec.name} does not run here: the service has not started.`);
  }

  condition(): Condition {
    const { fault } = this;
    if (fault?.code === "FENCED" && !this.#worked) return { ...conditionOf(fault), state: "standby" };
    if (fault !== null) return conditionOf(fault);
    if (this.#dispatcher !== null) return conditionOf(null);
    return this.#options.takesOver ? { state: "stopped", fault: "the service has not started it" } : { state: "standby", fault: null };
  }

  /** Claims the journal. When only this journal is damaged or owned by another instance, only this partition stands still. @throws any other error */
  async open(record: HandlerRecord): Promise<void> {
    await this.#opened((options) => openDispatcher(options, record));
  }

  /** Claims the journal, records what has changed of the handler, and goes to work. @throws FENCED, JOURNAL_DAMAGED, LOG_UNAVAILABLE */
  async claim(): Promise<Dispatcher> {
    try {
      const dispatcher = await claimPartition(this.#opening(), this.#options.configure);
      this.#dispatcher = dispatcher;
      this.#fault = null;
      this.start();
      this.#options.onTaken(this.place.handler);
      return dispatcher;
    } catch (error) {
      this.#fault = damageIn(error) ?? this.#fault; // until a claim succeeds
      throw error;
    }
  }

  /**
   * Lets what runs end within `patienceMs`, records all, and gives the journal up.
   *
   * @param because it stands still from now on, for this reason. @returns false when it goes on instead, because something still runs.
   */
  async letGo(patienceMs: number, { because, ...how }: LetGo = {}): Promise<boolean> {
    const dispatcher = this.#dispatcher;
    if (because !== undefined) this.#fault = because;
    if ((await dispatcher?.stop(patienceMs, how)) === false) return false;
    if (this.#dispatcher === dispatcher) {
      this.#fault = because ?? damageIn(this.#fault ?? dispatcher?.life.fault);
      this.#dispatcher = null;
    }
    return true;
  }

  start(): void {
    this.#started = true;
    if (this.#dispatcher !== null && this.#fault === null) {
      this.#worked = true;
      this.#dispatcher.start();
    }
    if (this.fault?.code === "FENCED") this.#watch();
  }

  async stop(patienceMs: number): Promise<void> {
    this.#leaving.abort();
    await this.#watching;
    await this.#dispatcher?.stop(patienceMs);
  }

  /**
   * Has the events that are not the journal's own skipped, on record, and goes to work.
   *
   * @throws NOT_OWNER, NOTHING_TO_REPAIR, JOURNAL_DAMAGED, LOG_UNAVAILABLE
   */
  async repair(act: Act): Promise<Repaired> {
    const { fault } = this;
    if (fault?.code === "FENCED") throw refusalOf(fault);
    if (fault === null) throw new RepriseError("NOTHING_TO_REPAIR", `Handler ${this.place.handler} works.`);
    const { position, skipped } = await recordRepair({ ...this.#options, signal: this.#leaving.signal }, this.place, act);
    await this.#dispatcher?.stop(0);
    this.#dispatcher = null;
    await this.#opened((options) => claimPartition(options, this.#options.configure));
    if (this.#fault !== null && !isRepriseError(this.#fault, "FENCED")) throw this.#fault;
    if (this.#started) this.start();
    if (this.working !== null) this.#options.onTaken(this.place.handler);
    return { position, skipped };
  }

  #opening(): OpenDispatcherOptions {
    return { ...this.#options, onFault: () => this.#onFault() };
  }

  async #opened(open: (options: OpenDispatcherOptions) => Promise<Dispatcher>): Promise<void> {
    try {
      this.#dispatcher = await open(this.#opening());
      this.#fault = null;
    } catch (error) {
      if (!isRepriseError(error, "FENCED") && damageIn(error) === null) throw error;
      this.#failed(error as RepriseError);
    }
  }

  #failed(error: RepriseError): void {
    this.#dispatcher = null;
    this.#fault = error;
    this.#options.logger.error({ ...named(this.place), err: error }, "the handler stands still");
  }

  /** The dispatcher has failed; it has logged that itself. */
  #onFault(): void {
    if (this.#started && this.#dispatcher?.life.fault?.code === "FENCED") this.#watch();
  }

  #watch(): void {
    const { log, takesOver } = this.#options;
    if (!takesOver || this.#watching !== null || log.beats === undefined || this.#leaving.signal.aborted) return;
    this.#watching = this.#takeOverWhenOwnerless().finally(() => {
      this.#watching = null;
      if (this.fault?.code === "FENCED") this.#watch();
    });
  }

  /** Ends when the partition is at work here again, or cannot be. */
  async #takeOverWhenOwnerless(): Promise<void> {
    const { log, clock, logger, onTaken, spec } = this.#options;
    const { signal } = this.#leaving;
    const fenced = this.#dispatcher;
    await fenced?.stop(0);
    while (!signal.aborted) {
      const stream = ((this.#fault ?? fenced?.life.fault)?.fields.stream as string | undefined) ?? this.place.journal;
      await untilOwnerless({ log, stream, clock, signal }, ({ owner }) => {
        this.#fault = new RepriseError("FENCED", `${stream} is owned by another process (${owner}).`, { fields: { owner, stream } });
      });
      if (signal.aborted) return;
      try {
        const dispatcher = await claimPartition(this.#opening(), this.#options.configure);
        this.#dispatcher = dispatcher;
        this.#fault = null;
        if (signal.aborted) return; // `stop` stops this dispatcher, too
        logger.warn(named(this.place), "the owner is gone: this instance has taken over");
        this.start();
        onTaken(spec.name);
        return;
      } catch (error) {
        // Another instance was faster, or the log is away.
        if (isRepriseError(error, "FENCED") || isLogTrouble(error)) {
          await pause(retryMs, clock, signal);
          continue;
        }
        this.#failed(isRepriseError(error) ? error : new RepriseError("INTERNAL", `Handler ${spec.name} could not take over.`, { cause: error }));
        return;
      }
    }
  }
}

/** The dispatcher that may be asked for something: null also while it lets go of the partition. */
export function takesActs({ working }: Seat): Dispatcher | null {
  return working?.life.stopping === true ? null : working;
}

/** As the log of the service names it. */
function named({ handler, partition, of }: Seat["place"]): { readonly handler: string; readonly partition?: number } {
  return { handler, ...(of === 1 ? {} : { partition }) };
}

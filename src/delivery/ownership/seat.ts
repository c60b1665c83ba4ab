/**
 * The place of one handler in this process: at work, standing still, or waiting to take over from another instance. One that stands still keeps no other from
 * its work.
 */
import { isLogTrouble, isRepriseError, RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import { journalStream } from "../../event/names.ts";
import { pause } from "../../event/waits.ts";
import type { Act } from "../../records/act.ts";
import type { Dispatcher } from "../dispatcher/dispatcher.ts";
import { type OpenDispatcherOptions, openDispatcher } from "../dispatcher/open-dispatcher.ts";
import type { HandlerSpec } from "../handler-spec.ts";
import { repairOf } from "../journal/handler-stream.ts";
import { recordAct } from "../journal/record-act.ts";
import { type Condition, conditionOf, refusalOf } from "./condition.ts";
import { untilOwnerless } from "./standby.ts";

export interface SeatOptions extends Omit<OpenDispatcherOptions, "onFault"> {
  readonly clock: Clock;
  /** Told when the handler works here from now on, so that replays that another instance ran go on here. */
  readonly onTaken: (handler: string) => void;
}

export interface Repaired {
  readonly position: bigint;
  /** Events of the journal that are passed over from now on. */
  readonly skipped: number;
}

/** How often a start is tried again when the handler's record has changed meanwhile, because another instance starts, too. */
const maxOpens = 5;
/** The wait before a take-over is tried again that failed for want of the log. */
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

  get spec(): HandlerSpec {
    return this.#options.spec;
  }

  get name(): string {
    return this.#options.spec.name;
  }

  get fault(): RepriseError | null {
    return this.#fault ?? this.#dispatcher?.fault ?? null;
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
    if (this.#dispatcher === null) throw new RepriseError("NOT_FOUND", `Handler ${this.name} does not run here: the service has not started.`);
    return this.#dispatcher;
  }

  condition(): Condition {
    const { fault } = this;
    if (fault?.code === "FENCED" && !this.#worked) return { ...conditionOf(fault), state: "standby" };
    if (fault !== null) return conditionOf(fault);
    return this.#dispatcher === null ? { state: "stopped", fault: "the service has not started it" } : conditionOf(null);
  }

  /** Claims the journal. When only this journal is damaged or owned by another instance, only this handler stands still. @throws any other error */
  async open(): Promise<void> {
    try {
      this.#dispatcher = await this.#openDispatcher();
      this.#fault = null;
    } catch (error) {
      if (!isRepriseError(error, "FENCED", "JOURNAL_DAMAGED", "LOG_DAMAGED")) throw error;
      this.#standStill(error);
    }
  }

  async #openDispatcher(): Promise<Dispatcher> {
    for (let n = 1; ; n++)
      try {
        return await openDispatcher({ ...this.#options, onFault: () => this.#onFault() });
      } catch (error) {
        if (!isRepriseError(error, "REVISION_CONFLICT") || n === maxOpens) throw error;
      }
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
    if (fault === null) throw new RepriseError("NOTHING_TO_REPAIR", `Handler ${this.name} works.`);
    const { log, newId, clock } = this.#options;
    const { record, skipped } = await repairOf(log, newId, this.name, act);
    const { position } = await recordAct({ log, clock, signal: this.#leaving.signal }, record);
    await this.#dispatcher?.stop(0);
    this.#dispatcher = null;
    await this.open();
    if (this.#fault !== null && !isRepriseError(this.#fault, "FENCED")) throw this.#fault;
    if (this.#started) this.start();
    if (this.working !== null) this.#options.onTaken(this.name);
    return { position, skipped };
  }

  #standStill(error: RepriseError): void {
    this.#dispatcher = null;
    this.#fault = error;
    this.#options.logger.error({ handler: this.name, err: error }, "the handler stands still");
  }

  /** The dispatcher has failed; it has logged that itself. */
  #onFault(): void {
    if (this.#started && this.#dispatcher?.fault?.code === "FENCED") this.#watch();
  }

  #watch(): void {
    if (this.#watching !== null || this.#options.log.beats === undefined || this.#leaving.signal.aborted) return;
    this.#watching = this.#takeOverWhenOwnerless().finally(() => {
      this.#watching = null;
      if (this.fault?.code === "FENCED") this.#watch();
    });
  }

  /** Ends when the handler works here again, or cannot. */
  async #takeOverWhenOwnerless(): Promise<void> {
    const { log, clock, logger, onTaken } = this.#options;
    const { signal } = this.#leaving;
    const fenced = this.#dispatcher;
    await fenced?.stop(0);
    while (!signal.aborted) {
      const stream = ((this.#fault ?? fenced?.fault)?.fields.stream as string | undefined) ?? journalStream(this.name);
      await untilOwnerless({ log, stream, clock, signal }, ({ owner }) => {
        this.#fault = new RepriseError("FENCED", `${stream} is owned by another process (${owner}).`, { fields: { owner, stream } });
      });
      if (signal.aborted) return;
      try {
        const dispatcher = await this.#openDispatcher();
        this.#dispatcher = dispatcher;
        this.#fault = null;
        if (signal.aborted) return; // `stop` stops this dispatcher, too
        logger.warn({ handler: this.name }, "the owner is gone: this instance has taken over");
        this.start();
        onTaken(this.name);
        return;
      } catch (error) {
        if (isRepriseError(error, "FENCED")) continue; // another instance was faster
        if (isLogTrouble(error)) {
          await pause(retryMs, clock, signal);
          continue;
        }
        this.#standStill(isRepriseError(error) ? error : new RepriseError("INTERNAL", `Handler ${this.name} could not take over.`, { cause: error }));
        return;
      }
    }
  }
}

import { isLogTrouble, isRepriseError, type RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import { backOff } from "../../event/waits.ts";
import type { AppendedEvent } from "../../log/event-log.ts";
import type { JournalEvent } from "../../records/journal.ts";
import type { DeliveryLogger } from "../delivery-logger.ts";
import type { Batch, JournalStream } from "../journal/journal-stream.ts";
import { wholeBatch } from "../journal/whole-batch.ts";
import type { Partition } from "../partition/partition.ts";
import { noActs, type TakenActs } from "./act-queue.ts";
import { type Lifetime, retryWaits } from "./lifetime.ts";

/** Where an append ended. `withActs`: the acts were stored with it. */
export interface StoredAppend {
  readonly last: AppendedEvent;
  readonly withActs: boolean;
}

export interface AppendsOptions {
  readonly handler: string;
  readonly journal: JournalStream;
  readonly partition: Partition;
  readonly life: Lifetime;
  readonly clock: Clock;
  readonly logger: DeliveryLogger;
  /** Told when the journal cannot be written: acts that wait are refused. */
  readonly onUnwritable: (error: RepriseError) => void;
}

/** How often a stopping service tries again. */
const lastTries = 3;

/** Appends to the journal until it is stored. While the journal cannot be written nothing new starts. */
export class Appends {
  readonly #options: AppendsOptions;
  #unwritable: RepriseError | null = null;

  constructor(options: AppendsOptions) {
    this.#options = options;
  }

  /** Why the journal cannot be written right now: what cannot be recorded is refused at once. Null while it can. */
  get unwritable(): RepriseError | null {
    return this.#unwritable;
  }

  get trouble(): string | null {
    return this.#unwritable === null ? null : `outcomes cannot be recorded: ${this.#unwritable.message}`;
  }

  /** One flush, in one append or in several, the acts with the last. @returns null when it never will be stored. */
  async store(events: readonly JournalEvent[], acts: TakenActs): Promise<StoredAppend | null> {
    const { journal, life } = this.#options;
    const whole = wholeBatch(journal, [...events, ...acts.events]);
    if (whole !== null) return this.untilStored(whole, acts, () => journal.prepare(events));
    const appends = journal.divide(events);
    for (const append of appends.slice(0, -1))
      if ((await this.untilStored(journal.prepare(append))) === null) {
        acts.refused(life.fault);
        return null;
      }
    const last = appends.at(-1)!;
    return this.untilStored(journal.prepare([...last, ...acts.events]), acts, () => journal.prepare(last));
  }

  /**
   * Appends until it is stored: the same events with the same ids. Acts are tried once: when that fails, their callers get the error. If
   * the acts were stored all the same, the next append finds them.
   *
   * @param without the same batch without the acts.
   * @returns null when it never will be stored.
   */
  async untilStored(batch: Batch, acts = noActs, without = () => batch): Promise<StoredAppend | null> {
    const { handler, journal, life, clock, logger } = this.#options;
    let sent = batch;
    let withActs = acts.events.length > 0;
    let found: AppendedEvent | null = null;
    for (let failures = 0; ; failures++) {
      try {
        const last = (await journal.send(sent)) ?? found;
        if (last === null) continue; // the record of an earlier act was found in its place
        this.works();
        return { last, withActs: withActs || found !== null };
      } catch (error) {
        if (!this.mayRepeat(error, failures)) {
          acts.refused(life.fault);
          return null;
        }
        if (withActs) {
          withActs = false;
          sent = without();
          if (!isRepriseError(error, "LOG_FULL"))
            journal.abandon(batch, (last) => {
              found = last;
            });
          acts.refused(error);
        }
        logger.warn({ handler, err: error }, "outcomes could not be recorded; nothing new starts until they are");
        await backOff(failures, retryWaits, clock, life.reading);
      }
    }
  }

  /** Whether an append that failed may be sent again; otherwise the handler has stopped. */
  mayRepeat(error: unknown, failures: number): boolean {
    const { partition, life, onUnwritable } = this.#options;
    if (!isLogTrouble(error) || (life.stopping && failures >= lastTries)) {
      life.fail(error);
      return false;
    }
    this.#unwritable = error;
    partition.schedule.hold("journal_not_writable", true);
    onUnwritable(error);
    return true;
  }

  /** An append was stored. */
  works(): void {
    this.#unwritable = null;
    this.#options.partition.schedule.hold("journal_not_writable", false);
  }
}

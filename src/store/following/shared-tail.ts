/** One subscription of the log for all readers that are at its end. No reader holds it up: what a reader does not take waits with the reader. */
import type { DeliveryLogger } from "../../delivery/delivery-logger.ts";
import type { Clock } from "../../event/clock.ts";
import type { Position, StoredEvent } from "../../event/event.ts";
import { makeTurns, type Turns } from "../../event/turns.ts";
import { backOff } from "../../event/waits.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { Completions } from "./completions/completions.ts";
import type { Reader } from "./reader.ts";
import type { Teller } from "./teller.ts";
import type { Told } from "./told.ts";

const waits = { firstMs: 100, lastMs: 2000 };

export interface SharedTailNeeds {
  readonly log: Pick<EventLog, "subscribe">;
  readonly teller: Teller;
  /** Of this reading. */
  readonly completions: Completions;
  readonly clock: Clock;
  readonly logger: DeliveryLogger;
}

/** Runs while it has readers. */
export class SharedTail {
  readonly #needs: SharedTailNeeds;
  readonly #readers = new Set<Reader>();
  /** How often a reader has joined. */
  #joined = 0;
  #running: { readonly stop: AbortController; position: Position } | null = null;

  constructor(needs: SharedTailNeeds) {
    this.#needs = needs;
  }

  /** Up to here all readers have been told; null: it has none. */
  get position(): Position | null {
    return this.#running?.position ?? null;
  }

  /** Takes a reader in that is as far as the others, or further. @returns false: the reader has to read on by itself. */
  join(reader: Reader): boolean {
    if (this.#running !== null && reader.reached < this.#running.position) return false;
    this.#readers.add(reader);
    this.#joined++;
    if (this.#running === null) {
      this.#running = { stop: new AbortController(), position: reader.reached };
      void this.#run(this.#running);
    }
    return true;
  }

  leave(reader: Reader): void {
    if (!this.#readers.delete(reader) || this.#readers.size > 0) return;
    this.#running?.stop.abort();
    this.#running = null;
    this.#needs.completions.forget();
  }

  async #run(run: { readonly stop: AbortController; position: Position }): Promise<void> {
    const { log, clock, logger } = this.#needs;
    const { signal } = run.stop;
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        for await (const { events, position } of log.subscribe({ after: run.position, signal })) {
          const turns = makeTurns();
          for (const event of events) await this.#tell(event, run, turns);
          this.#hand(run, position, []);
          failures = 0;
        }
        return; // ended by the signal, or with the log
      } catch (err) {
        if (signal.aborted) return;
        logger.warn({ err }, "the stream of events could not go on; tried again");
        await backOff(failures, waits, clock, signal);
      }
    }
  }

  /** Between the last wait and the end no reader can join or leave: each is told the whole record, or begins after it. */
  async #tell(event: StoredEvent, run: { readonly stop: AbortController; position: Position }, turns: Turns): Promise<void> {
    if (turns.due()) await turns.next();
    const { teller, completions } = this.#needs;
    let told = teller.tell(event, this.#readers, completions);
    while (told instanceof Promise) {
      const joined = this.#joined;
      const read: readonly Told[] = await told;
      // Who has joined meanwhile may want what was not read.
      told = joined === this.#joined ? read : teller.tell(event, this.#readers, completions);
    }
    if (run.stop.signal.aborted) return;
    this.#hand(run, event.position, told);
  }

  #hand(run: { position: Position }, position: Position, told: readonly Told[]): void {
    if (position <= run.position) return;
    run.position = position;
    for (const reader of this.#readers) reader.take(position, told);
  }
}

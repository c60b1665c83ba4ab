/** Tells the receiver of an alert what it has not heard yet: one notice after another, again and again until it has it. */
import type { Clock } from "../event/clock.ts";
import { backOffMs, pause } from "../event/waits.ts";
import type { AlertNotice } from "../records/alert.ts";
import type { PostFailure } from "./alert-post.ts";

export interface TellerOptions {
  readonly clock: Clock;
  /** The first notice that is ours to tell, and when it may be; null: there is none. */
  readonly next: () => { readonly notice: AlertNotice; readonly inMs: number } | null;
  readonly send: (notice: AlertNotice) => Promise<PostFailure>;
  /** Puts on record that it was told. @throws when that cannot be done. */
  readonly told: (notice: AlertNotice) => Promise<void>;
  readonly onTrouble: (why: string) => void;
  readonly signal: AbortSignal;
}

const waits = { firstMs: 1000, lastMs: 300_000 };
/** A receiver may ask for so much: what an alert says is soon of no use. */
const longestAskedMs = 3_600_000;

export class Teller {
  readonly #options: TellerOptions;
  #running: Promise<void> | null = null;
  #trouble: string | null = null;
  /** The notice that the receiver had last, though that may not be on record yet. */
  #had: string | null = null;

  constructor(options: TellerOptions) {
    this.#options = options;
  }

  /** Why the receiver has not heard all; null: it has, or it is being told. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Looks whether there is something to tell. */
  wake(): void {
    if (this.#running !== null || this.#options.signal.aborted || this.#options.next() === null) return;
    this.#running = this.#run().finally(() => {
      this.#running = null;
    });
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, next, onTrouble, signal } = this.#options;
    for (let failures = 0; !signal.aborted; ) {
      const due = next();
      if (due === null) return;
      if (due.inMs > 0) await pause(due.inMs, clock, signal);
      else {
        const failure = await this.#tell(due.notice);
        if (failure === null) {
          failures = 0;
          this.#trouble = null;
          continue;
        }
        if (signal.aborted) return;
        if (this.#trouble !== failure.why) onTrouble(failure.why);
        this.#trouble = failure.why;
        await pause(Math.max(backOffMs(failures++, waits), Math.min(failure.askedMs ?? 0, longestAskedMs)), clock, signal);
      }
    }
  }

  async #tell(notice: AlertNotice): Promise<PostFailure> {
    const { send, told } = this.#options;
    try {
      const failure = this.#had === notice.id ? null : await send(notice);
      if (failure !== null) return failure;
      this.#had = notice.id;
      await told(notice);
      return null;
    } catch (error) {
      return { why: `the log does not say, or does not take, what was told: ${(error as Error).message}`, askedMs: null };
    }
  }
}

import type { Clock } from "../../event/clock.ts";
import { backOff } from "../../event/waits.ts";
import { waitsAfterTrouble } from "../projector.ts";
import type { FromThread, ThreadBegins, ToThread } from "./messages.ts";
import { type RowThread, startThread } from "./row-threads.ts";

interface KeptThreadOptions {
  /** Asked at each start. */
  begins(): ThreadBegins;
  take(message: FromThread): void;
  /** It died, and is started again after a wait: the rows are as of its last commit. */
  died(error: Error): void;
  readonly clock: Clock;
  readonly start?: StartThread | undefined;
}

export type StartThread = typeof startThread;

/** A thread that is started again when it dies. */
export class KeptThread {
  readonly #options: KeptThreadOptions;
  #thread: RowThread | null = null;
  #ending: AbortController | null = null;
  #failures = 0;

  constructor(options: KeptThreadOptions) {
    this.#options = options;
  }

  get runs(): boolean {
    return this.#thread !== null;
  }

  tell(message: ToThread): void {
    this.#thread?.tell(message);
  }

  /** May be called twice. */
  start(): void {
    if (this.#ending !== null) return;
    this.#ending = new AbortController();
    this.#begin(this.#ending.signal);
  }

  /** It does what it is for. */
  works(): void {
    this.#failures = 0;
  }

  async stop(): Promise<void> {
    this.#ending?.abort();
    await this.#thread?.stop();
    this.#thread = null;
    this.#ending = null;
  }

  #begin(signal: AbortSignal): void {
    const { start = startThread, begins, take } = this.#options;
    this.#thread = start(begins(), take, (error) => void this.#again(error, signal));
  }

  async #again(error: Error, signal: AbortSignal): Promise<void> {
    this.#thread = null;
    this.#options.died(error);
    await backOff(this.#failures++, waitsAfterTrouble, this.#options.clock, signal);
    if (!signal.aborted) this.#begin(signal);
  }
}

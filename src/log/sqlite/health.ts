import type { RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";

/** The wait between two tries of a log in trouble. */
const tryEveryMs = 1000;

export interface HealthOptions {
  readonly clock: Clock;
  /** Tries what failed, or the smallest thing like it. @throws why it still does not work. */
  readonly attempt: () => Promise<void>;
  /** Told when trouble begins, and when it is over. */
  readonly onChange: (trouble: RepriseError | null) => void;
}

/** Whether the log takes appends just now. After trouble it tries until the trouble is over, so that an idle log recovers, too. */
export class Health {
  readonly #options: HealthOptions;
  #trouble: RepriseError | null = null;
  #timer: { cancel(): void } | null = null;
  #closed = false;

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  get trouble(): RepriseError | null {
    return this.#trouble;
  }

  /** Something was stored, and nothing is in doubt. */
  works(): void {
    if (this.#trouble === null) return;
    this.#trouble = null;
    this.#timer?.cancel();
    this.#timer = null;
    this.#options.onChange(null);
  }

  /** The disk refused an append, or nobody knows what the disk has. */
  fails(trouble: RepriseError): void {
    const isNews = this.#trouble?.code !== trouble.code;
    this.#trouble = trouble;
    if (isNews) this.#options.onChange(trouble);
    this.#tryLater();
  }

  /** Ends the tries. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #tryLater(): void {
    if (this.#closed || this.#timer !== null) return;
    this.#timer = this.#options.clock.after(tryEveryMs, () => {
      this.#timer = null;
      this.#options.attempt().then(
        () => this.works(),
        (error: RepriseError) => this.fails(error),
      );
    });
  }
}

import { isRepriseError, RepriseError } from "../../errors.ts";
import { refusalOf } from "../ownership/condition.ts";

export interface LifetimeOptions {
  readonly handler: string;
  /** It has failed for good. @param thrown what made it fail; `fault`: the same as a RepriseError. */
  readonly onFail: (fault: RepriseError, thrown: unknown) => void;
}

/** Whether one handler's dispatcher works, stops, or has failed for good, with the signals that end what goes on in it. */
export class Lifetime {
  readonly #options: LifetimeOptions;
  readonly #reading = new AbortController();
  readonly #calling = new AbortController();
  #stopping = false;
  #fault: RepriseError | null = null;

  constructor(options: LifetimeOptions) {
    this.#options = options;
  }

  /** Ends the subscription, the readings and the waits. */
  get reading(): AbortSignal {
    return this.#reading.signal;
  }

  /** Abandons the calls that still run. */
  get calling(): AbortSignal {
    return this.#calling.signal;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  /** Why it stands still for good; null while it works. */
  get fault(): RepriseError | null {
    return this.#fault;
  }

  get isOver(): boolean {
    return this.#stopping || this.#fault !== null;
  }

  /** @throws NOT_OWNER or the fault when it has failed, LOG_UNAVAILABLE when it stops. */
  mustWork(): void {
    if (this.#fault !== null) throw refusalOf(this.#fault);
    if (this.#stopping) throw worksNoMore();
  }

  /** It writes nothing more: another process owns the journal, or the log refuses it. */
  fail(thrown: unknown): void {
    this.#fault = isRepriseError(thrown)
      ? thrown
      : new RepriseError("JOURNAL_DAMAGED", `The journal of ${this.#options.handler} could not be written.`, { cause: thrown });
    this.#reading.abort();
    this.#calling.abort(this.#fault);
    this.#options.onFail(this.#fault, thrown);
  }

  stop(): void {
    this.#stopping = true;
    this.#reading.abort();
  }

  abandonCalls(): void {
    this.#calling.abort(new DOMException("the service stops", "AbortError"));
  }
}

/** It stops with the service, and while that goes on: its partitions are divided anew, go to another instance, or its journal is repaired. */
export function worksNoMore(): RepriseError {
  return new RepriseError("LOG_UNAVAILABLE", "The handler lets go of its entities: the service stops, or others work on them in a moment.", {
    retryAfterMs: 1000,
  });
}

/** Between two tries of what the log did not take or did not show. */
export const retryWaits = { firstMs: 100, lastMs: 2000 };

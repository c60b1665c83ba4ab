import { setTimeout } from "node:timers";
import type { Attempt } from "../delivery/attempt/attempt.ts";
import { nothing, Told } from "../delivery/attempt/call-under-way.ts";

interface Call {
  /** It has not ended although it was waited for. Nobody waits for it again: it waits for the clock, or for the test. */
  isSlow: boolean;
}

/** The calls of handlers that have not ended: a test waits for them in real time, because what a handler does outside (a file, a socket) takes some. */
export class CallsInFlight {
  readonly #patienceMs: number;
  readonly #calls = new Set<Call>();
  #count = 0;
  #onEnd: (() => void) | null = null;

  /** @param patienceMs how long a call is waited for, in real time. */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** Grows with each call that begins and each that ends. */
  get count(): number {
    return this.#count;
  }

  around(attempt: Attempt): Attempt {
    const call: Attempt["call"] = (request) => {
      this.#count++;
      const begun = attempt.call(request);
      if (begun.kind !== "running") return begun;
      const begunCall: Call = { isSlow: false };
      this.#calls.add(begunCall);
      const onSettled = () => {
        this.#calls.delete(begunCall);
        this.#count++;
        this.#onEnd?.();
      };
      begun.listen(new Told(nothing, onSettled));
      return begun;
    };
    return { call };
  }

  /** Waits until one of the calls ends, at most for the patience. @returns false when there is none to wait for. */
  async oneEnded(): Promise<boolean> {
    const awaited = [...this.#calls].filter(({ isSlow }) => !isSlow);
    if (awaited.length === 0) return false;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEnd = resolve;
    const timer = setTimeout(() => {
      for (const call of awaited) call.isSlow = true;
      resolve();
    }, this.#patienceMs);
    await promise;
    clearTimeout(timer);
    this.#onEnd = null;
    return true;
  }
}

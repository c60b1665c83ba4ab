import type { Clock } from "../../event/clock.ts";
import { backOffMs, within as withinTime } from "../../event/waits.ts";
import { NoAnswerError } from "./server-error.ts";

/** @throws NoAnswerError when `answer` takes longer, or `signal` is aborted; it may still come. */
export function within<T>(answer: Promise<T>, ms: number, clock: Clock, signal: AbortSignal): Promise<T> {
  return withinTime(
    answer,
    ms,
    clock,
    () => {
      throw new NoAnswerError(signal.aborted ? "No answer yet; the log closes." : `No answer within ${ms} ms.`);
    },
    signal,
  );
}

/** The wait before repeat `n` (from 0): doubling. */
export function repeatDelay(n: number, { repeatDelayMs, maxRepeatDelayMs }: { readonly repeatDelayMs: number; readonly maxRepeatDelayMs: number }): number {
  return backOffMs(n, { firstMs: repeatDelayMs, lastMs: maxRepeatDelayMs });
}

import type { Clock } from "../../event/clock.ts";
import { NoAnswerError } from "./server-error.ts";

/** @throws NoAnswerError when `answer` takes longer, or `signal` is aborted; it may still come. */
export function within<T>(answer: Promise<T>, ms: number, clock: Clock, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      leave();
      reject(new NoAnswerError(signal.aborted ? "No answer yet; the log closes." : `No answer within ${ms} ms.`));
    };
    const timer = clock.after(ms, giveUp);
    signal.addEventListener("abort", giveUp);
    const leave = () => {
      timer.cancel();
      signal.removeEventListener("abort", giveUp);
    };
    answer.then(
      (value) => {
        leave();
        resolve(value);
      },
      (reason: unknown) => {
        leave();
        reject(reason);
      },
    );
    if (signal.aborted) giveUp();
  });
}

/** The wait before repeat `n` (from 0): doubling. */
export function repeatDelay(n: number, { repeatDelayMs, maxRepeatDelayMs }: { readonly repeatDelayMs: number; readonly maxRepeatDelayMs: number }): number {
  return Math.min(repeatDelayMs * 2 ** Math.min(n, 20), maxRepeatDelayMs);
}

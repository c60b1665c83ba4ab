import type { Clock } from "../../event/clock.ts";
import { NoAnswerError } from "./server-error.ts";

/** Waits equally long for each answer, with one timer and one listener for all calls under way. A timer and a listener for each took a tenth of an append. */
export interface Patience {
  /** @throws NoAnswerError when `answer` takes longer, or `signal` is aborted; the answer may still come. */
  wait<T>(answer: Promise<T>): Promise<T>;
  /** Nothing is waited for any more. */
  end(): void;
}

interface Waiting {
  readonly dueMs: number;
  giveUp(why: string): void;
}

export function makePatience(ms: number, clock: Clock, signal: AbortSignal): Patience {
  /** In the order in which they are due. */
  const waiting = new Set<Waiting>();
  let timer: { cancel(): void } | null = null;

  const look = (dueByMs: number) => {
    timer = null;
    for (const one of waiting) {
      // It came due meanwhile. Its answer may have arrived without being taken yet.
      if (one.dueMs > dueByMs) {
        timer = clock.after(one.dueMs - clock.monotonicMs(), look);
        return;
      }
      one.giveUp(`No answer within ${ms} ms.`);
    }
  };
  const close = () => {
    for (const one of waiting) one.giveUp("No answer yet; the log closes.");
    timer?.cancel();
    timer = null;
  };
  signal.addEventListener("abort", close);

  return {
    wait(answer) {
      return new Promise((resolve, reject) => {
        const one: Waiting = {
          dueMs: clock.monotonicMs() + ms,
          giveUp(why) {
            waiting.delete(one);
            reject(new NoAnswerError(why));
          },
        };
        waiting.add(one);
        timer ??= clock.after(ms, look);
        answer.then(
          (value) => {
            waiting.delete(one);
            resolve(value);
          },
          (reason: unknown) => {
            waiting.delete(one);
            reject(reason);
          },
        );
        if (signal.aborted) close();
      });
    },
    end() {
      signal.removeEventListener("abort", close);
      close();
    },
  };
}

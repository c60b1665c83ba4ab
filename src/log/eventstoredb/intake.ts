import type { Clock } from "../../event/clock.ts";
import { NoAnswerError } from "./server-error.ts";

/** The common part of the client's reads and subscriptions: both are readable streams of events. */
export interface Source<T> {
  read(): T | null;
  on(event: string, listener: (reason?: unknown) => void): unknown;
  removeAllListeners(event: string): unknown;
  resume(): unknown;
}

/** Takes the events of one stream of the client when somebody asks for them. While nobody asks, the server is held back. */
export interface Intake<T> {
  /**
   * Takes the events that have arrived, at most until `enough` returns true. Waits when there are none.
   *
   * @param enough called for each event.
   * @returns empty at the stream's end, when `wake` was called, or when nothing came for `quietMs`.
   * @throws the stream's error, or NoAnswerError when nothing came for `ms`.
   */
  take(enough: (event: T) => boolean, wait: { readonly ms?: number; readonly quietMs?: number }): Promise<readonly T[]>;
  /** Throws away what still arrives. A cancelled stream does not end, nor does its client, until everything that waits in it was taken. */
  leave(): void;
  /** Ends a wait in `take`. */
  wake(): void;
  readonly ended: boolean;
}

/** Events that the client reads ahead for each reader. Each may have a megabyte, and reading further ahead saves no time. */
export const readAhead = { highWaterMark: 16 };

export function makeIntake<T>(source: Source<T>, clock: Clock): Intake<T> {
  let ended = false;
  let failure: unknown;
  /** Somebody ended the wait, or its time is up. */
  let interrupted = false;
  let look = () => {};
  const interrupt = () => {
    interrupted = true;
    look();
  };
  const end = (reason?: unknown) => {
    if (reason !== undefined) failure ??= reason;
    ended = true;
    look();
  };
  // It waits for the next turn, because the client hands its events on one by one. By then the events that came with the first one are there, too.
  let looking = false;
  source.on("readable", () => {
    if (looking) return;
    looking = true;
    setImmediate(() => {
      looking = false;
      look();
    });
  });
  source.on("end", () => end());
  source.on("close", () => end());
  source.on("error", (reason) => end(reason ?? new Error("The stream broke.")));

  return {
    get ended() {
      return ended;
    },
    leave() {
      source.removeAllListeners("readable");
      source.resume();
    },
    wake: interrupt,
    async take(enough, { ms, quietMs }) {
      interrupted = false;
      const limitMs = quietMs ?? ms;
      let timer: { cancel(): void } | null = null;
      let late = false;
      try {
        for (;;) {
          const events: T[] = [];
          for (let event = source.read(); event !== null; event = source.read()) {
            events.push(event);
            if (enough(event)) break;
          }
          if (events.length > 0) return events;
          // It fails only now, after the events that came at the end of the patience were taken.
          if (late && quietMs === undefined && !ended) failure ??= new NoAnswerError(`No event within ${limitMs} ms.`);
          if (failure !== undefined) throw failure;
          if (ended || interrupted) return [];
          if (limitMs !== undefined)
            timer ??= clock.after(limitMs, () => {
              late = true;
              interrupt();
            });
          await new Promise<void>((resolve) => (look = resolve));
        }
      } finally {
        timer?.cancel();
      }
    },
  };
}

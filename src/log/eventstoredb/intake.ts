import type { Clock } from "../../event/clock.ts";
import { NoAnswerError } from "./server-error.ts";

/** What the client's reads and subscriptions have in common: readable streams of events. */
export interface Source<T> {
  read(): T | null;
  on(event: string, listener: (reason?: unknown) => void): unknown;
  removeAllListeners(event: string): unknown;
  resume(): unknown;
}

/** Events of one stream of the client, taken by whoever wants them; while nobody does the server is held back. */
export interface Intake<T> {
  /**
   * Takes what has arrived, at most until `enough` says so; waits when there is nothing.
   *
   * @param enough called for each event.
   * @returns empty at the stream's end, when `wake` was called, or when nothing came for `quietMs`.
   * @throws the stream's error, or NoAnswerError when nothing came for `ms`.
   */
  take(enough: (event: T) => boolean, wait: { readonly ms?: number; readonly quietMs?: number }): Promise<readonly T[]>;
  /** Nobody takes any more: what still arrives is thrown away. A stream that is cancelled while some of it waits does not end, nor its client, until it is taken. */
  leave(): void;
  /** Ends a wait in `take`. */
  wake(): void;
  readonly ended: boolean;
}

/** Events that the client reads ahead, for each reader. One may have a megabyte; more than so many at once save no time. */
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
  // In the next turn: the client hands its events on one by one, and by then those that came with the first one are there, too.
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
          // Only now, and after what came at the end of the patience was taken.
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

import type { Clock } from "../../event/clock.ts";
import { NoAnswerError } from "./server-error.ts";
import { abandon, listenTo, readUpTo, type Source } from "./source.ts";

/** Takes the messages of one call when somebody asks for them. While nobody asks, the server is held back. */
export interface Intake<T> {
  /**
   * Takes the messages that have arrived, at most until `enough` returns true. Waits when there are none.
   *
   * @param enough called for each message.
   * @returns empty at the stream's end, when `wake` was called, or when nothing came for `quietMs`.
   * @throws the stream's error, or NoAnswerError when nothing came for `ms`.
   */
  take(enough: (message: T) => boolean, wait: { readonly ms?: number; readonly quietMs?: number }): Promise<readonly T[]>;
  /** Ends the call, wherever it is. */
  leave(): void;
  /** Ends a wait in `take`. */
  wake(): void;
  readonly ended: boolean;
}

/** @param opening the call, or what becomes of it: opening one takes a moment. */
export function makeIntake<T>(opening: Source<T> | Promise<Source<T>>, clock: Clock): Intake<T> {
  let source: Source<T> | null = null;
  let left = false;
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
  const announced = () => {
    if (looking) return;
    looking = true;
    setImmediate(() => {
      looking = false;
      look();
    });
  };
  const open = (opened: Source<T>) => {
    source = opened;
    listenTo(opened, announced, end);
    if (left) abandon(opened);
  };
  if (opening instanceof Promise) opening.then(open, end);
  else open(opening);

  return {
    get ended() {
      return ended;
    },
    leave() {
      left = true;
      if (source !== null && !ended) abandon(source);
    },
    wake: interrupt,
    async take(enough, { ms, quietMs }) {
      interrupted = false;
      const limitMs = quietMs ?? ms;
      let timer: { cancel(): void } | null = null;
      let late = false;
      try {
        for (;;) {
          const messages = source === null ? [] : readUpTo(source, enough);
          if (messages.length > 0) return messages;
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

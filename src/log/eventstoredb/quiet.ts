import type { Clock } from "../../event/clock.ts";

/** Measures how long nothing has arrived while calls wait for answers. */
export interface Quiet {
  /** Calls that wait. */
  readonly waiting: number;
  /** Monotonic; when the server was last heard. */
  readonly heardMs: number;
  began(): void;
  ended(): void;
  heard(): void;
  /** Whether calls wait, and nothing has arrived for too long. */
  isStalled(): boolean;
  /** Ends the measuring. */
  stop(): void;
}

/** @param onStalled called, again and again, while calls wait and nothing arrives. */
export function makeQuiet(clock: Clock, stallMs: number, closing: AbortSignal, onStalled: () => void): Quiet {
  let waiting = 0;
  let heardMs = clock.monotonicMs();
  /** Since when somebody waits and nothing arrives. */
  let quietSinceMs = heardMs;
  let timer: { cancel(): void } | null = null;
  const isStalled = () => waiting > 0 && clock.monotonicMs() - quietSinceMs >= stallMs;
  const look = () => {
    timer = null;
    if (waiting === 0 || closing.aborted) return;
    if (isStalled()) onStalled();
    watch();
  };
  const watch = () => {
    timer ??= clock.after(stallMs / 3, look);
  };
  return {
    get waiting() {
      return waiting;
    },
    get heardMs() {
      return heardMs;
    },
    began() {
      if (waiting++ === 0) quietSinceMs = clock.monotonicMs();
      watch();
    },
    ended() {
      waiting--;
    },
    heard() {
      heardMs = clock.monotonicMs();
      quietSinceMs = heardMs;
    },
    isStalled,
    stop: () => timer?.cancel(),
  };
}

/** This process's signs of life, for others that would take over: given while it owns anything, on a log that several processes may write. */
import type { Clock } from "../../event/clock.ts";
import { pause } from "../../event/waits.ts";
import type { EventLog } from "../../log/event-log.ts";
import { beatMs, unheardMs } from "./standby.ts";

export interface LifeOptions {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly instance: string;
  /** Whether there is anything to be owner of. */
  readonly owns: () => boolean;
  /** After so long a silence that another one may have taken over: looks who owns what, before anything starts again. @throws when the log does not say. */
  readonly check: () => Promise<void>;
  /** What may start has changed. */
  readonly onChange: () => void;
}

export interface Life {
  start(): void;
  /** A sign that is under way is not waited for: a frozen log would hold up the end of the process, and the log ends it as it closes. */
  stop(): void;
  /** False once the last sign of life is so old that another one may have taken over. */
  isHeard(): boolean;
}

export function makeLife({ log, clock, instance, owns, check, onChange }: LifeOptions): Life {
  const leaving = new AbortController();
  let heardMs = clock.monotonicMs();
  let running = false;
  const isHeard = () => log.beats === undefined || clock.monotonicMs() - heardMs < unheardMs;

  async function run(): Promise<void> {
    while (!leaving.signal.aborted) {
      if (owns())
        try {
          const sentMs = clock.monotonicMs();
          await log.beats!.beat(instance);
          if (leaving.signal.aborted) return;
          if (!isHeard()) await check();
          const changed = !isHeard();
          heardMs = sentMs;
          if (changed) onChange();
        } catch {
          // the log says why it does not take any; nothing starts meanwhile
        }
      else heardMs = clock.monotonicMs();
      await pause(beatMs, clock, leaving.signal);
    }
  }

  return {
    start() {
      heardMs = clock.monotonicMs();
      if (log.beats === undefined || running) return;
      running = true;
      void run();
    },
    stop() {
      leaving.abort();
    },
    isHeard,
  };
}

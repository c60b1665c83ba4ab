/** This process's signs of life, for others that would take over: given while it owns anything, on a log that several processes may write. */
import type { Clock } from "../../event/clock.ts";
import { pause } from "../../event/waits.ts";
import type { EventLog } from "../../log/event-log.ts";
import { beatMs, unheardMs } from "./standby.ts";

export interface LifeOptions {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly instance: string;
  /** Whether this process owns a journal now. */
  readonly owns: () => boolean;
  /** Looks who owns what, before anything starts again after a silence in which another instance may have taken over. @throws when the log does not answer. */
  readonly check: () => Promise<void>;
  /** Told when deliveries may start again. */
  readonly onChange: () => void;
}

export interface Life {
  start(): void;
  /** Does not wait for a sign that is under way, because a frozen log would hold up the end of the process. The log ends it as it closes. */
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
          // the log tells why it takes none; nothing starts meanwhile
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

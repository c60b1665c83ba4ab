import type { Clock } from "../../event/clock.ts";
import { pause } from "../../event/waits.ts";
import type { Clients } from "./clients.ts";
import type { ConnectionLimits } from "./connection-limits.ts";
import { isWorking } from "./is-working.ts";
import { repeatDelay } from "./waiting.ts";

/** Tries new clients while the one in use does not work. */
export interface Recovery {
  /** Begins, unless it is under way. */
  begin(): void;
  /** A call was answered: the next replacement is not delayed. */
  answered(): void;
  /** Null when none is under way. */
  underWay(): Promise<void> | null;
}

interface RecoveryOptions {
  readonly clients: Clients;
  readonly clock: Clock;
  readonly closing: AbortSignal;
  readonly limits: ConnectionLimits;
  /** Whether the client in use does not work. */
  isSpoilt(): boolean;
  /** Another client, which has just read, has taken its place. */
  onReplaced(): void;
}

export function makeRecovery({ clients, clock, closing, limits, isSpoilt, onReplaced }: RecoveryOptions): Recovery {
  let recovering: Promise<void> | null = null;
  /** Replacements since a call was answered. */
  let replaced = 0;

  async function recover(): Promise<void> {
    const delays = { repeatDelayMs: limits.repeatDelayMs, maxRepeatDelayMs: limits.maxTrialDelayMs };
    if (replaced > 0) await pause(repeatDelay(replaced, delays), clock, closing);
    for (let n = 0; !closing.aborted && isSpoilt(); n++) {
      const candidate = clients.make();
      const works = await isWorking(candidate, limits.trialMs, clock, closing);
      if (works && isSpoilt() && !closing.aborted) {
        replaced++;
        onReplaced();
        clients.use(candidate);
        return;
      }
      clients.giveUp(candidate);
      if (!works) await pause(repeatDelay(n, delays), clock, closing);
    }
  }

  function begin(): void {
    if (recovering !== null || closing.aborted) return;
    recovering = recover().finally(() => {
      recovering = null;
      if (isSpoilt()) begin();
    });
  }

  return {
    begin,
    answered() {
      replaced = 0;
    },
    underWay: () => recovering,
  };
}

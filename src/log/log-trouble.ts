import type { Clock } from "../event/clock.ts";
import { failureWithin } from "../event/waits.ts";
import type { EventLog } from "./event-log.ts";

/** Why the log would refuse an append: what it has noticed by itself, else what a probe finds within `patienceMs`; null: it would take it. */
export async function logTrouble(log: Pick<EventLog, "trouble" | "probe">, patienceMs: number, clock: Clock): Promise<string | null> {
  const known = log.trouble?.() ?? null;
  return known !== null || log.probe === undefined ? known : failureWithin(log.probe(), patienceMs, clock);
}

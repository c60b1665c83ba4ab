import type { AttemptError, Ends } from "../../records/attempt.ts";
import type { PartitionOptions } from "./options.ts";

/** What the ends of a process say about a call that was under way (docs/rules.md, Crashes). */

export const noEnds: Ends = { crashes: 0, kills: 0, told: 0 };

/** What this process is called in the log, and what earlier ones said as they ended. */
export interface LastEnds {
  /** The name of this process. */
  readonly life: string;
  /** Whether the process of that name told its end: by an exit, an uncaught error, an abort, a lack of heap. */
  told(life: string): boolean;
}

export const nobodyTold: LastEnds = { life: "", told: () => false };

/** So many ends from outside, of which the process said nothing, count as one that it told: killing a service twenty times must not condemn an event. */
const killsPerCrash = 30;
const firstAlonePatienceMs = 10_000;
const mostDoublings = 6;

export function withEnd({ crashes, kills, told }: Ends, { alone, isTold }: { readonly alone: boolean; readonly isTold: boolean }): Ends {
  return { crashes: crashes + Number(alone && isTold), kills: kills + Number(alone && !isTold), told: told + Number(isTold) };
}

export function isCulprit({ crashes, kills }: Ends, maxCrashes: number): boolean {
  return crashes + kills / killsPerCrash >= maxCrashes;
}

/** How long everything else waits while a suspect runs alone. It is longer for one that was there at several ends, or a call that kills the process late would never be found. */
export function alonePatienceMs({ told }: Ends): number {
  return firstAlonePatienceMs * 2 ** Math.min(Math.max(0, told - 1), mostDoublings);
}

export function crashMessage({ crashes, kills }: Ends): string {
  const killed = kills > 0 ? `, and was ended from outside ${kills} times,` : "";
  return `the process ended ${crashes} times${killed} while the handler was called`;
}

/** What becomes of a call that the end of the process cut off; null: it is called again. */
export function judgeCutOff(
  ends: Ends,
  { unknownOutcome, limits }: Pick<PartitionOptions, "unknownOutcome" | "limits">,
): { readonly cause: "unknown_outcome" | "crash"; readonly error: AttemptError } | null {
  if (unknownOutcome === "escalate") {
    const message = "the process ended while the handler was called; what it did is unknown";
    return { cause: "unknown_outcome", error: { type: "UnknownOutcome", message } };
  }
  if (!isCulprit(ends, limits.maxCrashes)) return null;
  return { cause: "crash", error: { type: "ProcessCrash", message: crashMessage(ends) } };
}

import type { Ends } from "../../records/attempt.ts";

/** What the ends of a process say about a call that was under way (docs/rules.md, Crashes). */

export const noEnds: Ends = { crashes: 0, kills: 0, told: 0 };

/** What this process is called in the log, and what earlier ones said as they ended. */
export interface LastEnds {
  /** Of this process. */
  readonly life: string;
  /** Whether that one told its end: by an exit, an uncaught error, an abort, a lack of heap. */
  told(life: string): boolean;
}

export const nobodyTold: LastEnds = { life: "", told: () => false };

/** An end that nobody told weighs so much less than one that the process told: whoever kills a service twenty times accuses nobody. */
const killsPerCrash = 30;
const firstAlonePatienceMs = 10_000;
const mostDoublings = 6;

export function withEnd({ crashes, kills, told }: Ends, { alone, isTold }: { readonly alone: boolean; readonly isTold: boolean }): Ends {
  return { crashes: crashes + Number(alone && isTold), kills: kills + Number(alone && !isTold), told: told + Number(isTold) };
}

export function isCulprit({ crashes, kills }: Ends, maxCrashes: number): boolean {
  return crashes + kills / killsPerCrash >= maxCrashes;
}

/** How long everything else waits while a suspect runs alone: longer for one that was there at several ends, since what kills late would never be found. */
export function alonePatienceMs({ told }: Ends): number {
  return firstAlonePatienceMs * 2 ** Math.min(Math.max(0, told - 1), mostDoublings);
}

export function crashMessage({ crashes, kills }: Ends): string {
  const killed = kills > 0 ? `, and was ended from outside ${kills} times,` : "";
  return `the process ended ${crashes} times${killed} while the handler was called`;
}

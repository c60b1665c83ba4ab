/**
 * Waits until the owner of a handler's journal is gone. This may be wrong without harm, because safety rests on the journal's expected revision alone: a
 * claim while the owner lives fences that owner, and nothing is lost or doubled beyond one flush. The owner counts as gone when it released the journal, or
 * when several looks in a row found nothing new of it, neither in its journal nor as a sign of life. Only looks that the log answered count, so an instance
 * that is cut off itself accuses nobody. No clocks are compared.
 */
import type { Clock } from "../../event/clock.ts";
import type { StoredEvent } from "../../event/event.ts";
import { pause } from "../../event/waits.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { JournalData } from "../../records/journal.ts";
import { claimType } from "../journal/claim.ts";
import { isOwnEvent } from "../journal/journal-read.ts";

/** How often an owner gives a sign of life. */
export const beatMs = 3000;
/** An owner whose signs the log has not taken for this long starts nothing. It is shorter than the time that others wait. */
export const unheardMs = 10_000;
export const lookMs = 2000;
/** Looks in a row without a sign of life: 12 s, so that another instance works within 20 s. */
export const silentLooks = 6;

export interface Owner {
  /** As its claim says. */
  readonly owner: string;
  readonly life: string | undefined;
}

/**
 * @param onOwner is told who owns it, at first and when it changes.
 * @returns when nobody owns the journal, or `signal` is aborted.
 */
export async function untilOwnerless(
  { log, stream, clock, signal }: { readonly log: EventLog; readonly stream: string; readonly clock: Clock; readonly signal: AbortSignal },
  onOwner: (owner: Owner) => void,
): Promise<void> {
  let owner: Owner | null = null;
  let read = -1;
  let beat = -1;
  let silent = 0;
  /** Reads what is new, from the end back: the last claim, and the event that the journal ends with. */
  const look = async (): Promise<"heard" | "silent" | "ownerless"> => {
    const from = read;
    let last: StoredEvent | undefined;
    let claim: StoredEvent | undefined;
    for await (const batch of log.readStream(stream, { direction: "backward", signal })) {
      for (const event of batch) {
        if (event.revision <= from) break;
        last ??= event;
        if (event.type === claimType && isOwnEvent(event)) claim ??= event;
      }
      if (claim !== undefined || batch.at(-1)!.revision <= from) break;
    }
    if (claim !== undefined) {
      const { owner: name, life } = claim.data as unknown as JournalData["partition.claimed"];
      owner = { owner: name, life };
      beat = -1;
      onOwner(owner);
    }
    if (last !== undefined) {
      read = last.revision;
      if (last.type === "partition.released" && isOwnEvent(last)) return "ownerless";
    }
    const beaten = owner?.life === undefined ? -1 : await log.beats!.last(owner.life);
    const heard = last !== undefined || beaten > beat;
    beat = Math.max(beat, beaten);
    return heard ? "heard" : "silent";
  };
  const left = new Promise<"heard">((resolve) => signal.addEventListener("abort", () => resolve("heard"), { once: true }));
  while (!signal.aborted) {
    // A log that does not answer says nothing about the owner.
    const seen = await Promise.race([look().catch(() => "heard" as const), left]);
    if (seen === "ownerless") return;
    silent = seen === "silent" ? silent + 1 : 0;
    if (silent >= silentLooks) return;
    await pause(lookMs, clock, signal);
  }
}

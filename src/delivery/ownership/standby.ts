/**
 * Waiting for the owner of a handler's journal to be gone. Safety is the journal's expected revision alone: who claims while the owner lives fences it,
 * and nothing is lost or doubled beyond one flush. So this may be wrong, and only should not be: the owner counts as gone when it released the journal,
 * or when nothing was heard of it, neither in its journal nor as a sign of life, by so many looks in a row that the log has all answered. Who is cut
 * off itself accuses nobody, and no clocks are compared.
 */
import type { Clock } from "../../event/clock.ts";
import type { StoredEvent } from "../../event/event.ts";
import { pause } from "../../event/waits.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { JournalData } from "../../records/journal.ts";
import { claimType } from "../journal/claim.ts";
import { isOwnEvent } from "../journal/journal-read.ts";

/** An owner says so often that it lives, … */
export const beatMs = 3000;
/** … and starts nothing when that has not been taken for so long: less than others wait. */
export const unheardMs = 10_000;
export const lookMs = 2000;
/** Looks in a row without a sign: 12 s, so that another one is at work within 20. */
export const silentLooks = 6;

export interface Owner {
  /** As its claim has it. */
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
  /** Reads what is new, backwards at first: the last claim and what the journal ends with. */
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
    // What the log does not answer says nothing about the owner.
    const seen = await Promise.race([look().catch(() => "heard" as const), left]);
    if (seen === "ownerless") return;
    silent = seen === "silent" ? silent + 1 : 0;
    if (silent >= silentLooks) return;
    await pause(lookMs, clock, signal);
  }
}

import { aboutBytes } from "../../event/about-bytes.ts";
import type { StoredEvent } from "../../event/event.ts";
import type { Lane } from "../partition/lane.ts";
import type { LaneLoan } from "../partition/lane-loan.ts";
import type { LetterReplay } from "../partition/letter.ts";

/** Of the events of one replay that wait for slots. */
const maxBytes = 16 * 1024 * 1024;
/** So many of a job's items may be under way: smaller ones do not come to the limit together. */
const largeBytes = maxBytes / 256;

interface Held {
  readonly lane: Lane;
  readonly by: LetterReplay | LaneLoan;
  readonly event: StoredEvent;
  readonly bytes: number;
}

/**
 * Large events that were read for replays and wait for their slots: of one replay at most 16 MiB, and one, because an event may have nearly a megabyte.
 * In a lane that runs something an event takes no room: a call may last for ever, and there are no more of them than slots.
 */
export class HeldEvents {
  #large: Held[] = [];

  /** The event of a replay's delivery was read; it may have been left since. */
  add(lane: Lane, by: LetterReplay | LaneLoan): void {
    const { event } = by;
    if (event !== null && aboutBytes(event.data, largeBytes) >= largeBytes) this.#large.push({ lane, by, event, bytes: aboutBytes(event.data) });
  }

  /** Which replays' events may be read now, by the replays' ids; null: those of all. */
  mayRead(): ((replayId: string) => boolean) | null {
    if (this.#large.length === 0) return null;
    this.#large = this.#large.filter(({ by, event }) => by.event === event);
    const bytes = new Map<string, number>();
    for (const { lane, by, bytes: more } of this.#large) if (lane.running === null) bytes.set(by.replayId, (bytes.get(by.replayId) ?? 0) + more);
    const full = new Set([...bytes].filter(([, held]) => held >= maxBytes).map(([replayId]) => replayId));
    return full.size === 0 ? null : (replayId) => !full.has(replayId);
  }
}

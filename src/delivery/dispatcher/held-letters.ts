import { aboutBytes } from "../../event/about-bytes.ts";
import type { LetterReplay } from "../partition/letter.ts";
import type { LetterToRead } from "./letter-events.ts";

/** Of the events of one replay's dead letters that wait for slots. */
const maxBytes = 16 * 1024 * 1024;
/** So many of a job's items may be under way: smaller ones do not come to the limit together. */
const largeBytes = maxBytes / 256;

/**
 * Large events of dead letters that were read and wait for their slots: of one replay at most 16 MiB, and one, because an event may have nearly a megabyte.
 * In a lane that runs something else an event takes no room: a call may last for ever, and there are no more of them than slots.
 */
export class HeldLetters {
  #large: (LetterToRead & { readonly bytes: number })[] = [];

  /** The letter's event was read. */
  add(letter: LetterToRead): void {
    const { event } = letter.replay;
    const bytes = event === null ? 0 : aboutBytes(event.data, largeBytes);
    if (bytes >= largeBytes) this.#large.push({ ...letter, bytes: aboutBytes(event!.data) });
  }

  /** Which replays' letters may be read now; null: those of all. */
  mayRead(): ((replay: LetterReplay) => boolean) | null {
    if (this.#large.length === 0) return null;
    this.#large = this.#large.filter(({ lane, replay }) => replay.event !== null && lane.replays.includes(replay));
    const bytes = new Map<string, number>();
    for (const { lane, replay, bytes: more } of this.#large) if (lane.running === null) bytes.set(replay.replayId, (bytes.get(replay.replayId) ?? 0) + more);
    const full = new Set([...bytes].filter(([, held]) => held >= maxBytes).map(([replayId]) => replayId));
    return full.size === 0 ? null : ({ replayId }) => !full.has(replayId);
  }
}

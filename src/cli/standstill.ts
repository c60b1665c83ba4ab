import type { ReplayReply } from "../http/wire/replays-replies.ts";

/** After so long somebody who waits wants to know, beside what the replay itself was told to wait. */
const patienceSeconds = 30;

/**
 * Notices that a replay that runs does not get on: its handler is paused, what the handler calls is down, a lane is held by something else. It goes on by itself
 * when that is over, so whoever waits is told where to look, once for each standstill.
 */
export class Standstill {
  readonly #everySeconds: number;
  #before = "";
  #seconds = 0;
  #told = false;

  /** @param everyMs the time between two looks. */
  constructor(everyMs: number) {
    this.#everySeconds = everyMs / 1000;
  }

  /** @returns what to tell now; null: nothing. */
  look(replay: ReplayReply): string | null {
    const { replay_id: id, status, succeeded, failed, skipped, remaining, followers, releases_left: releases, rate_per_second: rate, canary } = replay;
    const now = [status, succeeded, failed, skipped, remaining, followers, releases].join();
    if (now !== this.#before) {
      this.#before = now;
      this.#seconds = 0;
      this.#told = false;
      return null;
    }
    this.#seconds += this.#everySeconds;
    const meant = (rate === null ? 0 : 1 / rate) + (canary?.hold_seconds ?? 0);
    if (this.#told || this.#seconds < patienceSeconds + meant) return null;
    this.#told = true;
    const waited = Math.round(this.#seconds);
    return `The replay is at the same place for ${waited} s. What it may wait for: reprise status\nIt goes on by itself. To end it: reprise replay cancel ${id}\n`;
  }
}

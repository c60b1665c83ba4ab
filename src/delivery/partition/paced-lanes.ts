/** Lanes whose next delivery belongs to a replay wait here for a turn of its pace, those of one replay in the order in which they came. */
import { Fifo } from "./fifo.ts";
import type { Lane, Turn } from "./lane.ts";
import type { Pace } from "./pace.ts";

export class PacedLanes {
  readonly #paces = new Map<string, Pace>();
  readonly #waiting = new Map<string, Fifo<{ readonly lane: Lane; readonly turn: Turn }>>();
  /** Lanes whose live deliveries stay on a replay's pace. */
  readonly #followers = new Map<string, Set<Lane>>();
  /** Turns that were given and not used yet. */
  #granted = 0;

  /** Whether the replay's pace is known here; only then do its replays wait for turns. */
  has(replayId: string): boolean {
    return this.#paces.has(replayId);
  }

  /** @returns lanes that wait for turns of a pace that is over: they have to be looked at again. */
  set(replayId: string, pace: Pace | null): readonly Lane[] {
    if (pace !== null) {
      this.#paces.set(replayId, pace);
      return [];
    }
    this.#paces.delete(replayId);
    const left: Lane[] = [];
    for (const waiting = this.#waiting.get(replayId); waiting !== undefined && waiting.length > 0; ) {
      const { lane, turn } = waiting.shift()!;
      if (lane.turn !== turn) continue;
      lane.turn = null;
      left.push(lane);
    }
    this.#waiting.delete(replayId);
    return left;
  }

  /** Puts the lane's live deliveries on a pace, or takes them off. */
  follow(lane: Lane, pace: Lane["pace"]): void {
    if (lane.pace !== null) {
      const before = this.#followers.get(lane.pace.replayId);
      before?.delete(lane);
      if (before?.size === 0) this.#followers.delete(lane.pace.replayId);
    }
    lane.pace = pace;
    if (pace === null) return;
    const followers = this.#followers.get(pace.replayId) ?? new Set();
    this.#followers.set(pace.replayId, followers.add(lane));
  }

  followers(replayId: string): readonly Lane[] {
    return [...(this.#followers.get(replayId) ?? [])];
  }

  /** Replays that lanes wait for and that nobody has told the pace of. */
  unknown(): readonly string[] {
    return [...this.#followers.keys()].filter((replayId) => !this.#paces.has(replayId));
  }

  /** The lane waits for a turn of the replay. */
  wait(lane: Lane, replayId: string): void {
    if (lane.turn?.replayId === replayId) return;
    this.used(lane);
    lane.turn = { replayId, granted: false };
    const waiting = this.#waiting.get(replayId) ?? new Fifo();
    this.#waiting.set(replayId, waiting);
    waiting.push({ lane, turn: lane.turn });
  }

  /** Gives turns that are due, as long as no more than `free` are unused. @returns the lanes that got one. */
  grant(nowMs: number, free: number): readonly Lane[] {
    const lanes: Lane[] = [];
    for (const [replayId, waiting] of this.#waiting) {
      const pace = this.#paces.get(replayId);
      while (waiting.length > 0) {
        const { lane, turn } = waiting.peek()!;
        if (lane.turn === turn && lane.running !== null)
          lane.turn = null; // it asks again when its call has ended, and holds up nobody until then
        else if (lane.turn === turn) {
          if (this.#granted >= free || pace === undefined || !pace.take(nowMs)) break;
          turn.granted = true;
          this.#granted++;
          lanes.push(lane);
        }
        waiting.shift();
      }
      if (waiting.length === 0) this.#waiting.delete(replayId);
    }
    return lanes;
  }

  /** Lanes that get their turns as soon as slots are free, because nothing else limits their replays: at most so many of each. */
  *upcoming(lanes: number): Iterable<Lane> {
    for (const [replayId, waiting] of this.#waiting) {
      const pace = this.#paces.get(replayId);
      if (pace === undefined || pace.held || pace.perSecond !== null) continue;
      for (let place = 0; place < Math.min(lanes, waiting.length); place++) {
        const { lane, turn } = waiting.at(place)!;
        if (lane.turn === turn && lane.running === null) yield lane;
      }
    }
  }

  /** The lane started with its turn, or needs none any more. */
  used(lane: Lane): void {
    if (lane.turn?.granted) this.#granted--;
    lane.turn = null;
  }

  /** The lane would start something else now, or nothing, so it leaves the turn that it was given to others. One that it still waits for stays. */
  giveUp(lane: Lane, replayId: string | null): void {
    if (lane.turn?.granted && lane.turn.replayId !== replayId) this.used(lane);
  }

  /** When the next turn is due for any lane that waits; null: not before something changes. */
  nextMs(free: number): number | null {
    if (this.#granted >= free) return null;
    const times = [...this.#waiting].flatMap(([replayId, { length }]) => (length === 0 ? [] : (this.#paces.get(replayId)?.nextMs() ?? [])));
    return times.length === 0 ? null : times.reduce((next, ms) => Math.min(next, ms));
  }
}

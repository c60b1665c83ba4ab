/** Which lanes have something to do: start a delivery, wait for their replay's turn, or be read. */
import { type Lane, priorityOf } from "./lane.ts";
import type { LaneMoves } from "./lane-moves.ts";
import type { PacedLanes } from "./paced-lanes.ts";
import type { Readiness } from "./readiness.ts";
import { ReadyLanes } from "./ready-lanes.ts";
import type { Slots } from "./slots.ts";
import type { Suspects } from "./suspects.ts";
import type { Unrecorded } from "./unrecorded.ts";

export interface AgendaNeeds {
  readonly readiness: Readiness;
  readonly moves: LaneMoves;
  readonly paced: PacedLanes;
  readonly suspects: Suspects;
  readonly unrecorded: Unrecorded;
}

export class Agenda {
  readonly #ready: ReadyLanes<Lane>;
  readonly #toRead = new Set<Lane>();
  readonly #readiness: Readiness;
  readonly #moves: LaneMoves;
  readonly #paced: PacedLanes;
  readonly #suspects: Suspects;
  readonly #unrecorded: Unrecorded;

  constructor(slots: Slots, { readiness, moves, paced, suspects, unrecorded }: AgendaNeeds) {
    this.#ready = new ReadyLanes(slots, priorityOf);
    this.#readiness = readiness;
    this.#moves = moves;
    this.#paced = paced;
    this.#suspects = suspects;
    this.#unrecorded = unrecorded;
  }

  /** Puts the lane where it belongs after a change: ready, to be read, waiting for a turn, or nowhere. */
  refresh(lane: Lane): void {
    if (lane.running !== null) return;
    const readiness = this.#readiness;
    // A letter is also read beside events that are ready: a relaxed lane's next ones may never end, or may themselves wait for this letter to run alone.
    const next = readiness.nextOfReplay(lane);
    // What cannot run holds no event: it is read again.
    for (const replay of lane.replays) if (replay !== next) replay.event = null;
    for (const loan of lane.loans) if (loan !== next) loan.event = null;
    const toRead = next?.event === null && lane.acts === 0 && !lane.reading;
    if (toRead) this.#toRead.add(lane);
    const work = readiness.workOf(lane);
    this.#paced.giveUp(lane, work?.replayId ?? null);
    if (work !== undefined) {
      const { event, loan } = work;
      if (loan?.ends && this.#suspects.of(lane) === undefined) this.#suspects.add(lane, { revision: event.revision, ends: loan.ends, loan });
      if (loan === null && !this.#unrecorded.mayGoOn(lane)) return;
      if (readiness.needsTurn(lane, work)) this.#paced.wait(lane, work.replayId!);
      else this.#ready.add(lane);
      const replay = work.replay ?? readiness.replayReady(lane);
      if (loan === null && replay !== undefined && work.replay === null) this.#paced.wait(lane, replay.replayId);
      return;
    }
    if (readiness.loanOf(lane) !== undefined) return;
    if (lane.reading || toRead || lane.queue.length > 0) return;
    if (lane.detached) {
      if (!readiness.mayRunLive(lane)) return;
      this.#moves.passUnwanted(lane);
      this.#toRead.add(lane);
    }
  }

  /** Takes out a lane whose stream, or whose next delivery of a replay, has to be read; undefined when there is none. @param mayBe what is not read now stays. */
  nextToRead(mayBe: ((lane: Lane) => boolean) | null): Lane | undefined {
    for (const lane of this.#toRead) {
      if (mayBe?.(lane) === false) continue;
      this.#toRead.delete(lane);
      // An amendment may be among its acts: the lane is put here again when they are through.
      if (lane.acts === 0 && (lane.detached || this.#readiness.toRead(lane))) return lane;
    }
    return undefined;
  }

  /** Takes out the ready lane whose turn it is; undefined when none may have a slot. `started` says that it took one. */
  nextReady(): Lane | undefined {
    return this.#ready.pick();
  }

  /** Lanes that are ready, whether they may have a slot or not. */
  get readyLanes(): number {
    return this.#ready.size;
  }

  /** Lanes that start something as soon as they have a slot, about in the order of their turns: at most so many of each tenant and of each replay. They stay where they are. */
  *upcoming(lanes: number): Iterable<Lane> {
    yield* this.#ready.upcoming(lanes);
    yield* this.#paced.upcoming(lanes);
  }

  started(lane: Lane): void {
    this.#ready.started(lane);
  }

  /** The lane gave its slot back. @param wasFailing as it was when it started. */
  ended(lane: Lane, wasFailing: boolean): void {
    this.#ready.ended(lane, wasFailing);
  }
}

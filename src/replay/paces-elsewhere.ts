/** The paces of replays that no job here runs, for what they have released here: the runner counts what it asks for, each owner what follows from that. */
import { Pace } from "../delivery/partition/pace.ts";
import type { ReplaySide } from "../delivery/replay-routes.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { isRepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import type { StoredEvent } from "../event/event.ts";
import type { ReplayEntry, ReplayStreamData } from "../records/replay.ts";
import type { ReplayStatus } from "../views/model/replay.ts";
import { emptyReplay, foldReplay, type StoredReplay } from "./job-progress.ts";
import type { ReplayStream } from "./replay-stream.ts";

export interface PacesElsewhereNeeds {
  readonly delivery: Pick<RunningHandlers, "working" | "cluster">;
  readonly stream: Pick<ReplayStream, "read">;
  readonly clock: Pick<Clock, "monotonicMs">;
}

type Heard = Pick<StoredEvent, "revision" | "type" | "data">;
type Waiting = Pick<ReplaySide, "pace" | "passed" | "withdrawHere">;

interface Known {
  readonly pace: Pace;
  /** The replay has ended: its pace goes with the last that it has released here. */
  isOver: boolean;
  /** Handlers that still have something to pass. */
  passing: number;
}

export class PacesElsewhere {
  readonly #needs: PacesElsewhereNeeds;
  readonly #known = new Map<string, Known>();
  /** What is heard of replays whose records are just being read. */
  readonly #heard = new Map<string, Heard[]>();

  constructor(needs: PacesElsewhereNeeds) {
    this.#needs = needs;
  }

  /** Tells a handler the pace that lanes which have come here wait for, or lets go of them. @throws LOG_UNAVAILABLE */
  async tell(replayId: string, replays: Waiting): Promise<void> {
    const known = this.#known.get(replayId) ?? (await this.#read(replayId));
    if (known === null) return replays.withdrawHere(replayId, "stop");
    replays.pace(replayId, known.pace);
    if (known.isOver) this.#letPass(replayId, known, replays);
  }

  /**
   * A job is over here.
   *
   * @param status null: it was cut off. What it has released goes on at its pace, until the replay has another runner, or ends.
   */
  over(replayId: string, pace: Pace, status: ReplayStatus | null): void {
    const known = { pace, isOver: false, passing: 0 };
    this.#known.set(replayId, known);
    if (status !== null) this.#ended(replayId, known, status);
  }

  /** An event of a replay's stream. */
  heard(replayId: string, event: Heard): void {
    this.#heard.get(replayId)?.push(event);
    const known = this.#known.get(replayId);
    if (known === undefined || known.isOver) return;
    const { type, data } = event;
    if (type === "replay.pausing") known.pace.hold(true);
    else if (type === "replay.resumed") known.pace.hold(false);
    else if (type === "replay.rate_changed")
      known.pace.set((data as unknown as ReplayStreamData["replay.rate_changed"]).ratePerSecond, this.#needs.clock.monotonicMs());
    else if (type === "replay.ended") this.#ended(replayId, known, (data as unknown as ReplayStreamData["replay.ended"]).status);
  }

  /** @returns null where nobody runs the replay, or somebody has ended it before its time: what it has released is like anything else. */
  async #read(replayId: string): Promise<Known | null> {
    const heard: Heard[] = [];
    this.#heard.set(replayId, heard);
    const { request, paused, ended } = await this.#stored(replayId, heard).finally(() => this.#heard.delete(replayId));
    if (request === null || (ended === null ? this.#needs.delivery.cluster === null : ended !== "completed")) return null;
    const known = { pace: new Pace(request.ratePerSecond, this.#needs.clock.monotonicMs()), isOver: ended !== null, passing: 0 };
    known.pace.hold(paused && ended === null);
    this.#known.set(replayId, known);
    return known;
  }

  async #stored(replayId: string, heard: readonly Heard[]): Promise<StoredReplay> {
    try {
      const { stored, last } = await this.#needs.stream.read(replayId);
      for (const { revision, type, data } of heard) if (revision > last) foldReplay(stored, { type, data } as unknown as ReplayEntry);
      return stored;
    } catch (error) {
      if (this.#needs.delivery.cluster !== null && !isRepriseError(error, "LOG_DAMAGED")) throw error;
      return emptyReplay(); // nobody runs it any more
    }
  }

  #ended(replayId: string, known: Known, status: ReplayStatus): void {
    known.isOver = true;
    known.pace.hold(false);
    const all = this.#needs.delivery.working();
    for (const { replays } of all)
      if (status === "completed") this.#letPass(replayId, known, replays);
      else replays.pace(replayId, null);
    if (known.passing === 0) this.#known.delete(replayId);
  }

  /** What it has released here still goes at its rate. */
  #letPass(replayId: string, known: Known, replays: Waiting): void {
    known.passing++;
    replays
      .passed(replayId)
      .then(() => replays.pace(replayId, null))
      .catch(() => {}) // the partition is another one's now, or stands still
      .finally(() => {
        if (--known.passing === 0 && this.#known.get(replayId) === known) this.#known.delete(replayId);
      });
  }
}

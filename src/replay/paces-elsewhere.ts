/** The paces of replays that other instances run, for what they have released here: the runner counts what it asks for, each owner what follows from that. */
import { Pace } from "../delivery/partition/pace.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import type { Clock } from "../event/clock.ts";
import type { StoredEvent } from "../event/event.ts";
import type { ReplayStreamData } from "../records/replay.ts";
import type { ReplayView } from "../views/model/replay.ts";

export interface PacesElsewhereNeeds {
  readonly delivery: Pick<RunningHandlers, "working">;
  readonly clock: Pick<Clock, "monotonicMs">;
}

const held: readonly ReplayView["status"][] = ["pausing", "paused"];

export class PacesElsewhere {
  readonly #needs: PacesElsewhereNeeds;
  readonly #paces = new Map<string, Pace>();

  constructor(needs: PacesElsewhereNeeds) {
    this.#needs = needs;
  }

  /** The one of a replay that has not ended, as its record says it until something more is heard. */
  of({ replayId, ratePerSecond, status }: Pick<ReplayView, "replayId" | "ratePerSecond" | "status">): Pace {
    const known = this.#paces.get(replayId);
    if (known !== undefined) return known;
    const pace = new Pace(ratePerSecond, this.#needs.clock.monotonicMs());
    pace.hold(held.includes(status));
    this.#paces.set(replayId, pace);
    return pace;
  }

  /** An event of a replay's stream. */
  heard(replayId: string, { type, data }: Pick<StoredEvent, "type" | "data">): void {
    const pace = this.#paces.get(replayId);
    if (pace === undefined) return;
    if (type === "replay.pausing") pace.hold(true);
    else if (type === "replay.resumed") pace.hold(false);
    else if (type === "replay.rate_changed")
      pace.set((data as unknown as ReplayStreamData["replay.rate_changed"]).ratePerSecond, this.#needs.clock.monotonicMs());
    else if (type === "replay.ended") this.#ended(replayId, pace);
  }

  /** What it has released here still goes at its rate. */
  #ended(replayId: string, pace: Pace): void {
    this.#paces.delete(replayId);
    pace.hold(false);
    for (const { replays } of this.#needs.delivery.working())
      replays.passed(replayId).then(
        () => replays.pace(replayId, null),
        () => {}, // the partition is another one's now
      );
  }
}

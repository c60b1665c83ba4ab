/** What operators do to a job. An act is recorded first, and takes effect then. */
import { notInTime, type Patience } from "../delivery/journal/patience.ts";
import type { Pace } from "../delivery/partition/pace.ts";
import type { Clock } from "../event/clock.ts";
import type { Position } from "../event/event.ts";
import type { Act } from "../records/act.ts";
import type { ReplayEntry } from "../records/replay.ts";
import { cancelling, endedError, isCancelled, isOver, mustGoOn, type Phase, paused, pausing, resumed } from "./phase.ts";
import type { ReplayRecord } from "./replay-stream.ts";

export interface JobActsNeeds {
  readonly record: ReplayRecord;
  readonly pace: Pace;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly phase: () => Phase;
  /** Puts the job into another phase. */
  readonly enter: (phase: Phase) => void;
}

export class JobActs {
  readonly #needs: JobActsNeeds;
  /** Told when the job is not pausing any more. */
  #waiting: (() => void)[] = [];

  constructor(needs: JobActsNeeds) {
    this.#needs = needs;
  }

  /** @returns position of the act's record; null when there was nothing to do. @throws REPLAY_ENDED */
  async pause(act: Act): Promise<Position | null> {
    const { record, phase } = this.#needs;
    mustGoOn(phase());
    if (phase().kind !== "running") return null;
    const position = await record.append("replay.pausing", { act });
    this.#enter(pausing(phase()));
    return position;
  }

  /** Waits until a pause that was asked for before is complete. @param patience whoever asks may have gone by then. */
  async resume(act: Act, patience: Patience): Promise<Position | null> {
    const { record, phase } = this.#needs;
    mustGoOn(phase());
    await this.#notPausing();
    if (phase().kind === "running") return null;
    if (patience.over) throw notInTime();
    if (phase().kind !== "paused") throw endedError(phase());
    const position = await record.append("replay.resumed", { act });
    this.#enter(resumed(phase()));
    return position;
  }

  async cancel(act: Act): Promise<Position | null> {
    const { record, phase } = this.#needs;
    if (isCancelled(phase())) return null;
    mustGoOn(phase());
    const position = await record.append("replay.cancelling", { act });
    this.#enter(cancelling(phase()));
    return position;
  }

  async setRate(ratePerSecond: number | null, act: Act): Promise<Position> {
    const { record, phase, pace, clock } = this.#needs;
    mustGoOn(phase());
    const position = await record.append("replay.rate_changed", { ratePerSecond, act });
    if (!isOver(phase())) pace.set(ratePerSecond, clock.monotonicMs());
    return position;
  }

  /** An act that is on record: where several instances share the work, each of them may record one. */
  heard({ type, data }: ReplayEntry): void {
    const { phase, pace, clock } = this.#needs;
    const now = phase();
    if (type === "replay.pausing") this.#enter(pausing(now));
    else if (type === "replay.resumed")
      this.#enter(resumed(paused(now) ?? now)); // that the pause was complete is on record, too
    else if (type === "replay.cancelling") this.#enter(cancelling(now));
    else if (type === "replay.rate_changed" && !isOver(now)) pace.set(data.ratePerSecond, clock.monotonicMs());
  }

  /** The job has another phase. */
  phaseEntered(): void {
    if (this.#needs.phase().kind === "pausing") return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #enter(phase: Phase | null): void {
    if (phase !== null) this.#needs.enter(phase);
  }

  async #notPausing(): Promise<void> {
    if (this.#needs.phase().kind !== "pausing") return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    await promise;
  }
}

/** Events that a step of the chain splits: which of their parts are done. */
import type { AttemptRecord } from "../../records/attempt.ts";
import type { PartitionState } from "../journal/state.ts";
import { noDeferrals } from "../policy/waits.ts";
import type { Delivery } from "./delivery.ts";
import { forgetCalls } from "./lane-standing.ts";
import { pointerTo } from "./pointer.ts";
import type { Recorder } from "./recorder.ts";

export class Parts {
  readonly #recorder: Recorder;
  /** By stream and revision: the first part that is not done. */
  readonly #next = new Map<string, Map<number, number>>();

  constructor(recorder: Recorder, recovered: PartitionState["parts"]) {
    this.#recorder = recorder;
    for (const [stream, revisions] of recovered) this.#next.set(stream, new Map(Array.from(revisions, ([revision, { part }]) => [revision, part])));
  }

  /** The first part (from 0) that no earlier attempt completed. */
  firstOf({ lane, event, loan }: Delivery): number {
    if (loan !== null) return loan.part?.index ?? 0;
    return this.next(lane.stream, event.revision);
  }

  /** The same for a delivery that waits. */
  next(stream: string, revision: number): number {
    return this.#next.get(stream)?.get(revision) ?? 0;
  }

  /** The part that was called is done and another one comes: with attempts of its own. */
  completed(delivery: Delivery, record: AttemptRecord): void {
    const { lane, event, replay, loan } = delivery;
    const { index, of } = delivery.part!;
    delivery.attempt = 1;
    delivery.round = 0;
    delivery.deferred = noDeferrals;
    if (loan !== null) {
      Object.assign(loan, { part: { index: index + 1 }, failed: 0, deferred: noDeferrals });
      return;
    }
    this.#recorder.fact({ type: "delivery.part_completed", data: { ...pointerTo(lane, event), part: index, of, record } });
    const revisions = this.#next.get(lane.stream) ?? new Map<number, number>();
    this.#next.set(lane.stream, revisions.set(event.revision, index + 1));
    const letter = lane.letters.get(event.revision);
    if (letter !== undefined) letter.attempts = 0;
    if (replay !== null) Object.assign(replay, { failed: 0, deferred: noDeferrals });
    else forgetCalls(lane);
  }

  /** The event has its final outcome. */
  forget(stream: string, revision: number): void {
    if (this.#next.size === 0) return;
    const revisions = this.#next.get(stream);
    if (revisions?.delete(revision) && revisions.size === 0) this.#next.delete(stream);
  }
}

/** Which calls have to be on record before they are made, and which of them are recorded ahead of their slots. */
import type { Agenda } from "./agenda.ts";
import type { Delivery } from "./delivery.ts";
import type { Facts } from "./facts.ts";
import type { PartitionOptions } from "./options.ts";
import type { Readiness } from "./readiness.ts";
import type { Recorder } from "./recorder.ts";
import type { Unrecorded } from "./unrecorded.ts";

const mostAhead = 128;

export interface StartsNeeds {
  readonly agenda: Agenda;
  readonly facts: Facts;
  readonly readiness: Readiness;
  readonly recorder: Recorder;
  readonly unrecorded: Unrecorded;
}

export class Starts {
  /** Every call is on record before it is made. */
  readonly recordsAll: boolean;
  readonly #needs: StartsNeeds;
  /** Calls of dead letters that took a slot since the last flush was taken. */
  #begun = 0;

  constructor({ record, unknownOutcome }: Pick<PartitionOptions, "record" | "unknownOutcome">, needs: StartsNeeds) {
    this.recordsAll = record === "each" || unknownOutcome === "escalate";
    this.#needs = needs;
  }

  /**
   * Records the start of a call where that has to be on record.
   *
   * @param alone it is a suspect. @returns whether the call may be made now; otherwise it comes with `flushes.stored`.
   */
  mayCall(delivery: Delivery, alone: boolean): boolean {
    const { facts, recorder, unrecorded } = this.#needs;
    const { lane, event, replay } = delivery;
    const byItself = alone || this.recordsAll;
    if (replay === null && !byItself && event.revision > lane.suspectThrough) return true;
    const ahead = byItself ? null : (replay?.startIn ?? null);
    if (replay !== null) {
      replay.startIn = null;
      this.#begun++;
    }
    if (ahead !== null && ahead <= unrecorded.stored) return true;
    if (ahead === null) facts.intended(delivery, { alone, byItself });
    else recorder.intend(delivery, null, ahead);
    return false;
  }

  /**
   * A slot that is given back would wait each time for the record of the next dead letter's start. So a flush that is written anyway also records those that come
   * next: as many as began since the flush before, because so many may begin until the next one. After a crash they are suspects, although they were not called;
   * hence no more. None is recorded for a replay that stops by itself after failures, because it has to know what came of the calls before.
   *
   * To be called when a flush is taken. @param mayStart whether anything of the handler starts now.
   */
  recordAhead(mayStart: boolean): void {
    const { agenda, facts, readiness, recorder } = this.#needs;
    const most = Math.min(this.#begun, mostAhead);
    this.#begun = 0;
    if (!mayStart || this.recordsAll || most === 0) return;
    let ahead = 0;
    for (const lane of agenda.upcoming(most)) {
      const replay = readiness.workOf(lane)?.replay;
      if (!replay?.startsAhead) continue;
      if (replay.startIn === null) {
        replay.startIn = recorder.number;
        facts.startsNext(lane, replay);
      }
      if (++ahead === most) return;
    }
  }
}

/** A lane of a partition that another instance has, as a replay here borrows it: the owner is asked for each delivery, and tells its end. */

import type { Clock } from "../../event/clock.ts";
import { policyActor } from "../../event/names.ts";
import type { Act } from "../../records/act.ts";
import type { JournalData } from "../../records/journal.ts";
import type { BorrowedLane } from "../partition/borrowed-lane.ts";
import type { LoanEnd, LoanedCall, LoanProgress } from "../partition/lane-loan.ts";
import type { Withdrawal } from "../partition/letter.ts";
import type { Asker } from "./asker.ts";
import { fromTold, type ToldLoanEnd, toldProgress } from "./told-loan.ts";

export interface AskedLaneOptions {
  readonly asker: Asker;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly journal: string;
  readonly stream: string;
  readonly replayId: string;
}

/** A replay's own: what operators do to it is on record in its stream. */
const byItsReplay: Act = { actor: policyActor, reason: null };

export class AskedLane implements BorrowedLane {
  readonly #options: AskedLaneOptions;
  #isWanted = true;

  constructor(options: AskedLaneOptions) {
    this.#options = options;
  }

  /** Where a rate binds the replay each attempt is asked for anew, as soon as it has a turn. */
  async deliver(call: LoanedCall): Promise<LoanEnd> {
    const { clock } = this.#options;
    this.#isWanted = true;
    for (let { before } = call; ; ) {
      const end = await this.#ask(call, before);
      if (end.kind !== "withdrawn" || end.awaitsTurn !== true || !this.#isWanted) return end;
      const { progress } = end;
      const hasTurn = (await call.nextTurn?.(Math.max(0, (progress.dueMs ?? 0) - clock.monotonicMs()))) !== false;
      if (!hasTurn || !this.#isWanted) return { kind: "withdrawn", progress };
      before = progress;
    }
  }

  async #ask({ revision, replay, ends, recordFirst, record, source, nextTurn = null }: LoanedCall, before: LoanProgress | null): Promise<LoanEnd> {
    const { asker, clock, journal, stream, replayId } = this.#options;
    const about = { stream, replayId, revision, replay, ...source, ends, recordFirst, isRecorded: record !== null };
    const args = { ...about, before: before && toldProgress(before, clock.monotonicMs()), ...(nextTurn !== null && { turnByTurn: true }) };
    const { data } = await asker.ask(journal, { act: "lane.deliver", args }, byItsReplay, { patient: true, stillWanted: () => this.#isWanted });
    return fromTold((data as unknown as JournalData["act.done"]).end as unknown as ToldLoanEnd, clock.monotonicMs());
  }

  takeBack(how: Withdrawal): void {
    const { stream, replayId } = this.#options;
    this.#isWanted = false;
    this.#tell({ act: "lane.take_back", args: { stream, replayId, how } });
  }

  end(): void {
    const { stream, replayId } = this.#options;
    this.#tell({ act: "lane.return", args: { stream, replayId } });
  }

  /** Nobody waits for the answer. An owner that comes later has lent nothing. */
  #tell(asked: Parameters<Asker["ask"]>[1]): void {
    this.#options.asker.ask(this.#options.journal, asked, byItsReplay).catch(() => {});
  }
}

/** Lanes that are lent to replays, for deliveries of their own. */
import { noDeferrals } from "../policy/waits.ts";
import type { Agenda } from "./agenda.ts";
import { judgeCutOff } from "./ends.ts";
import type { Lane } from "./lane.ts";
import type { LaneBook } from "./lane-book.ts";
import type { LaneLoan, LoanEnd, LoanedCall } from "./lane-loan.ts";
import type { Withdrawal } from "./letter.ts";
import { withdrawLoan } from "./loan-outcomes.ts";
import type { PartitionOptions } from "./options.ts";
import type { PacedLanes } from "./paced-lanes.ts";
import type { WakeUps } from "./wake-ups.ts";

export interface LoansNeeds {
  readonly agenda: Agenda;
  readonly book: LaneBook;
  readonly paced: PacedLanes;
  readonly wakeUps: WakeUps<Lane>;
}

export class Loans {
  readonly #options: Pick<PartitionOptions, "unknownOutcome" | "limits">;
  readonly #agenda: Agenda;
  readonly #book: LaneBook;
  readonly #paced: PacedLanes;
  readonly #wakeUps: WakeUps<Lane>;

  constructor(options: Pick<PartitionOptions, "unknownOutcome" | "limits">, { agenda, book, paced, wakeUps }: LoansNeeds) {
    this.#options = options;
    this.#agenda = agenda;
    this.#book = book;
    this.#paced = paced;
    this.#wakeUps = wakeUps;
  }

  /** Lends the lane's slot. The lane's live deliveries and its letters queue behind until `end`. A second loan waits for the first. */
  lend(stream: string, replayId: string, monotonicMs: number): LaneLoan {
    const lane = this.#book.open(stream);
    const progress = { failed: 0, deferred: noDeferrals, dueMs: null, part: null };
    const loan: LaneLoan = { lane, replayId, sinceMs: monotonicMs, call: null, event: null, ...progress, ends: null, toRecord: null, leaving: null };
    lane.loans = [...lane.loans, loan];
    this.#agenda.refresh(lane);
    return loan;
  }

  /** One delivery at a time for each loan: the next one after the end of the last. @returns its end when it is not called at all; null: `outcomes.conclude` tells. */
  ask(loan: LaneLoan, call: LoanedCall): LoanEnd | null {
    const { ends, before } = call;
    const cutOff = ends && judgeCutOff(ends, this.#options);
    if (cutOff) return { kind: "failed", attempts: Math.max(1, ends.crashes), error: cutOff.error };
    loan.call = call;
    loan.event = null;
    loan.ends = ends;
    loan.leaving = null;
    loan.failed = before?.failed ?? 0;
    loan.deferred = before?.deferred ?? noDeferrals;
    loan.dueMs = before?.dueMs ?? null;
    loan.part = before?.part ?? null;
    if (loan.dueMs !== null) this.#wakeUps.add(loan.dueMs, loan.lane);
    this.#agenda.refresh(loan.lane);
    return null;
  }

  /** Takes back what the loan asked for. @returns its end; null: it runs, or there is nothing to take back. */
  takeBack(loan: LaneLoan, how: Withdrawal): LoanEnd | null {
    if (loan.call === null) return null;
    const { running } = loan.lane;
    if (running === null || running.loan !== loan || running.concluded) return withdrawLoan(loan);
    loan.leaving = how;
    return null;
  }

  end(loan: LaneLoan): void {
    const { lane } = loan;
    const hadTheLane = lane.loans[0] === loan;
    lane.loans = lane.loans.filter((each) => each !== loan);
    if (hadTheLane) this.#paced.used(lane);
    this.#agenda.refresh(lane);
  }
}

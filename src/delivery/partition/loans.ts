/** Lanes that are lent to replays, for deliveries of their own. */
import type { Agenda } from "./agenda.ts";
import type { LaneBook } from "./lane-book.ts";
import type { LaneLoan, LoanedCall } from "./lane-loan.ts";
import type { PacedLanes } from "./paced-lanes.ts";

export interface LoansNeeds {
  readonly agenda: Agenda;
  readonly book: LaneBook;
  readonly paced: PacedLanes;
}

export class Loans {
  readonly #agenda: Agenda;
  readonly #book: LaneBook;
  readonly #paced: PacedLanes;

  constructor({ agenda, book, paced }: LoansNeeds) {
    this.#agenda = agenda;
    this.#book = book;
    this.#paced = paced;
  }

  /** Lends the lane's slot. The lane's live deliveries and its letters queue behind until `end`. A second loan waits for the first. */
  lend(stream: string, replayId: string, monotonicMs: number): LaneLoan {
    const lane = this.#book.open(stream);
    const loan: LaneLoan = { lane, replayId, sinceMs: monotonicMs, call: null, part: null };
    lane.loans = [...lane.loans, loan];
    return loan;
  }

  /** One call at a time for each loan: the next one after the outcome of the last. */
  askFor(loan: LaneLoan, call: LoanedCall): void {
    loan.call = call;
    this.#agenda.refresh(loan.lane);
  }

  /** Takes a call back that did not start. @returns false: it runs. */
  takeBack(loan: LaneLoan): boolean {
    if (loan.lane.running?.loan === loan) return false;
    loan.call = null;
    return true;
  }

  end(loan: LaneLoan): void {
    const { lane } = loan;
    const hadTheLane = lane.loans[0] === loan;
    lane.loans = lane.loans.filter((each) => each !== loan);
    if (hadTheLane) this.#paced.used(lane);
    this.#agenda.refresh(lane);
  }
}

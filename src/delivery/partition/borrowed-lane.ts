import type { LoanEnd, LoanedCall } from "./lane-loan.ts";
import type { Withdrawal } from "./letter.ts";

/** The slot of a lane, as the replay that borrows it sees it. */
export interface BorrowedLane {
  /** One delivery at a time, by the rules of every delivery: retries, waits and crashes included. Rejects when the handler stops, or when a record could not be stored. */
  deliver(call: LoanedCall): Promise<LoanEnd>;
  /** A delivery that waits ends as withdrawn; one that runs goes on, and is not tried again. */
  takeBack(how: Withdrawal): void;
  /** Gives the slot back: the lane's live deliveries go on. */
  end(): void;
}

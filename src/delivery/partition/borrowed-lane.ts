import type { LoanedCall } from "./lane-loan.ts";
import type { Verdict } from "./verdict.ts";

/** The slot of a lane, as the replay that borrows it sees it. */
export interface BorrowedLane {
  /** One call at a time. @returns what came of it; `put_back`: nothing is known of it, because the service stops, the receiver is gone, or it was taken back. */
  call(call: LoanedCall): Promise<Verdict>;
  /** A call that waits for its turn is answered with `put_back`; one that runs goes on. */
  takeBack(): void;
  /** Gives the slot back: the lane's live deliveries go on. */
  end(): void;
}

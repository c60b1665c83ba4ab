/** What an attempt of a replay's own delivery came to. Its outcome is the replay's to record: the lane's record knows nothing of it. */
import type { Delivery } from "./delivery.ts";
import type { Lane } from "./lane.ts";
import type { LaneLoan, LoanEnd } from "./lane-loan.ts";
import type { Verdict } from "./verdict.ts";
import type { WakeUps } from "./wake-ups.ts";

export class LoanOutcomes {
  readonly #wakeUps: WakeUps<Lane>;

  constructor(wakeUps: WakeUps<Lane>) {
    this.#wakeUps = wakeUps;
  }

  /** @returns the end of the delivery; null: it is called again. */
  conclude({ lane, attempt }: Delivery, loan: LaneLoan, verdict: Verdict, monotonicMs: number): LoanEnd | null {
    if (verdict.kind === "put_back") return loan.leaving === null ? null : withdrawLoan(loan);
    lane.failing = verdict.kind === "retry" || verdict.kind === "defer" || verdict.kind === "give_up";
    if (verdict.kind === "retry" || verdict.kind === "defer") {
      if (!isLast(loan, verdict)) return this.#wait(loan, verdict, monotonicMs);
      return endOf(loan, { kind: "failed", attempts: attempt, error: verdict.record.error ?? { type: "Error", message: "failed" } });
    }
    switch (verdict.kind) {
      case "completed":
        return endOf(loan, { kind: "completed", attempts: attempt, record: verdict.record });
      case "dropped":
        return endOf(loan, { kind: "dropped", attempts: attempt });
      case "give_up":
        return endOf(loan, { kind: "failed", attempts: verdict.record === null ? attempt - 1 : attempt, error: verdict.error });
      case "newer_build":
        return endOf(loan, { kind: "newer_build" });
      case "damaged":
        return endOf(loan, { kind: "damaged", attempts: attempt, detail: verdict.detail });
    }
  }

  #wait(loan: LaneLoan, verdict: Extract<Verdict, { kind: "retry" | "defer" }>, monotonicMs: number): LoanEnd | null {
    if (verdict.kind === "retry") loan.failed++;
    loan.deferred = verdict.deferrals ?? loan.deferred;
    loan.ends = null; // it did not end the process
    loan.dueMs = monotonicMs + verdict.waitMs;
    if (loan.leaving !== null) return withdrawLoan(loan);
    if (loan.call!.turnByTurn) return { ...withdrawLoan(loan), awaitsTurn: true };
    this.#wakeUps.add(loan.dueMs, loan.lane);
    return null;
  }
}

/** A dry run calls once, and what was stopped is not tried again. */
function isLast({ call, leaving }: LaneLoan, { kind }: Pick<Verdict, "kind">): boolean {
  return call!.replay.mode === "dry_run" || (leaving === "stop" && kind === "retry");
}

function endOf<End extends LoanEnd>(loan: LaneLoan, end: End): End {
  loan.call = null;
  loan.event = null;
  loan.ends = null;
  loan.dueMs = null;
  return end;
}

/** Its replay may ask for it again, from where it stands. */
export function withdrawLoan(loan: LaneLoan): Extract<LoanEnd, { kind: "withdrawn" }> {
  const { failed, deferred, dueMs, part } = loan;
  return endOf(loan, { kind: "withdrawn", progress: { failed, deferred, dueMs, part } });
}

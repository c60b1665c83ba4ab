/** What an attempt came to: a live delivery's, that of a dead letter's replay, or that of a replay's own delivery. */
import type { Agenda } from "./agenda.ts";
import type { Delivery } from "./delivery.ts";
import type { LaneLoan, LoanEnd } from "./lane-loan.ts";
import type { LetterOutcomes } from "./letter-outcomes.ts";
import type { LiveOutcomes } from "./live-outcomes.ts";
import type { LoanOutcomes } from "./loan-outcomes.ts";
import type { Recorder } from "./recorder.ts";
import type { Suspects } from "./suspects.ts";
import type { Unrecorded } from "./unrecorded.ts";
import type { Verdict } from "./verdict.ts";

export interface OutcomesNeeds {
  readonly agenda: Agenda;
  readonly live: LiveOutcomes;
  readonly letters: LetterOutcomes;
  readonly loans: LoanOutcomes;
  readonly recorder: Recorder;
  readonly suspects: Suspects;
  readonly unrecorded: Unrecorded;
}

export class Outcomes {
  readonly #agenda: Agenda;
  readonly #live: LiveOutcomes;
  readonly #letters: LetterOutcomes;
  readonly #loans: LoanOutcomes;
  readonly #recorder: Recorder;
  readonly #suspects: Suspects;
  readonly #unrecorded: Unrecorded;

  constructor({ agenda, live, letters, loans, recorder, suspects, unrecorded }: OutcomesNeeds) {
    this.#agenda = agenda;
    this.#live = live;
    this.#letters = letters;
    this.#loans = loans;
    this.#recorder = recorder;
    this.#suspects = suspects;
    this.#unrecorded = unrecorded;
  }

  /** Once per delivery; `schedule.settled` follows when the call itself has ended. @returns the end of a replay's own delivery, when it has come to it. */
  conclude(delivery: Delivery, verdict: Verdict, monotonicMs: number): LoanEnd | null {
    if (delivery.concluded) return null;
    delivery.concluded = true;
    if (delivery.loan !== null) return this.#concludeLoan(delivery, delivery.loan, verdict, monotonicMs);
    this.#concludeOwn(delivery, verdict, monotonicMs);
    return null;
  }

  #concludeLoan(delivery: Delivery, loan: LaneLoan, verdict: Verdict, monotonicMs: number): LoanEnd | null {
    const suspected = this.#suspects.of(delivery.lane)?.loan === loan ? loan.call : null;
    const end = this.#loans.conclude(delivery, loan, verdict, monotonicMs);
    // Its outcome may be recorded later, or not at all: a failed call that is tried again has none. Without a word of it on record before the next suspect
    // starts, it would share the blame when that one ends the process.
    suspected?.onNotAlone?.();
    if (verdict.kind !== "put_back") this.#suspects.concluded(delivery, this.#recorder.number);
    return end;
  }

  /** Of the lane's own: a live delivery, or a dead letter's replay. */
  #concludeOwn(delivery: Delivery, verdict: Verdict, monotonicMs: number): void {
    const { lane, replay } = delivery;
    if (replay !== null) this.#letters.conclude(delivery, replay, verdict, monotonicMs);
    else this.#live.conclude(delivery, verdict, monotonicMs);
    if (verdict.kind === "put_back") return;
    this.#unrecorded.outcome(lane);
    if (this.#suspects.concluded(delivery, this.#recorder.number)) this.#agenda.refresh(lane);
  }
}

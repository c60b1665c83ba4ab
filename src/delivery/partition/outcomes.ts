/** What an attempt came to, for its lane: a live delivery's, or that of a dead letter's replay. */
import type { Agenda } from "./agenda.ts";
import type { Delivery } from "./delivery.ts";
import type { LetterOutcomes } from "./letter-outcomes.ts";
import type { LiveOutcomes } from "./live-outcomes.ts";
import type { Recorder } from "./recorder.ts";
import type { Suspects } from "./suspects.ts";
import type { Unrecorded } from "./unrecorded.ts";
import type { Verdict } from "./verdict.ts";

export interface OutcomesNeeds {
  readonly agenda: Agenda;
  readonly live: LiveOutcomes;
  readonly letters: LetterOutcomes;
  readonly recorder: Recorder;
  readonly suspects: Suspects;
  readonly unrecorded: Unrecorded;
}

export class Outcomes {
  readonly #agenda: Agenda;
  readonly #live: LiveOutcomes;
  readonly #letters: LetterOutcomes;
  readonly #recorder: Recorder;
  readonly #suspects: Suspects;
  readonly #unrecorded: Unrecorded;

  constructor({ agenda, live, letters, recorder, suspects, unrecorded }: OutcomesNeeds) {
    this.#agenda = agenda;
    this.#live = live;
    this.#letters = letters;
    this.#recorder = recorder;
    this.#suspects = suspects;
    this.#unrecorded = unrecorded;
  }

  /** Once per delivery; `schedule.settled` follows when the call itself has ended. */
  conclude(delivery: Delivery, verdict: Verdict, monotonicMs: number): void {
    if (delivery.concluded) return;
    delivery.concluded = true;
    const { lane, replay, loan } = delivery;
    if (loan !== null) {
      loan.call = null; // its outcome is the replay's to record: the lane knows nothing of it
      return;
    }
    if (replay !== null) this.#letters.conclude(delivery, replay, verdict, monotonicMs);
    else this.#live.conclude(delivery, verdict, monotonicMs);
    if (verdict.kind === "put_back") return;
    this.#unrecorded.outcome(lane);
    if (this.#suspects.concluded(delivery, this.#recorder.number)) this.#agenda.refresh(lane);
  }
}

/** When there is something to tell of the decisions that are open, and what was told. */
import type { ToldOfDecision } from "../../records/escalation.ts";
import type { Lane } from "./lane.ts";
import { nextWordMs, type OpenDecision } from "./open-decision.ts";
import { WakeUps } from "./wake-ups.ts";

interface Waiting {
  readonly lane: Lane;
  readonly revision: number;
  readonly decision: OpenDecision;
}

export interface TimedDecision extends Waiting {
  /** Monotonic. */
  readonly dueMs: number;
}

/** For whoever tells people. `expired`: it was due, and is discarded. */
export interface DecisionNotice {
  readonly stream: string;
  readonly revision: number;
  readonly eventId: string;
  readonly part: number | null;
  readonly stage: ToldOfDecision | "expired";
  /** Wall clock, ms; null: it is never due. */
  readonly dueAt: number | null;
}

const none: readonly never[] = [];
/** Notices that nobody took yet. */
const maxNotices = 1000;

export class OpenDecisions {
  /** Those whose time begins to run at the next look: who opens them knows the wall clock's time only. */
  #news: (Waiting & { readonly leftMs: number })[] = [];
  #notices: DecisionNotice[] = [];
  readonly #times = new WakeUps<TimedDecision>();

  /** @param leftMs until it is due; null: it never is. */
  add(waiting: Waiting, leftMs: number | null): void {
    if (leftMs !== null) this.#news.push({ ...waiting, leftMs });
  }

  /** Those of which something has to be told at `monotonicMs`; what is decided is left out. Whoever takes one calls `told` or `later`. */
  *due(monotonicMs: number): Iterable<TimedDecision> {
    if (this.#news.length > 0) for (const { leftMs, ...waiting } of this.#news.splice(0)) this.#await({ ...waiting, dueMs: monotonicMs + leftMs });
    for (const timed of this.#times.due(monotonicMs)) if (timed.lane.letters.get(timed.revision)?.decision === timed.decision) yield timed;
  }

  told(timed: TimedDecision, stage: "due_soon" | "due"): void {
    timed.decision.told = stage;
    this.#await(timed);
  }

  later(timed: TimedDecision, atMs: number): void {
    this.#times.add(atMs, timed);
  }

  notice(notice: DecisionNotice): void {
    if (this.#notices.length < maxNotices) this.#notices.push(notice);
  }

  takeNotices(): readonly DecisionNotice[] {
    return this.#notices.length === 0 ? none : this.#notices.splice(0);
  }

  /** Monotonic time of the next word; null: there is none. */
  nextMs(): number | null {
    return this.#news.length > 0 ? 0 : this.#times.next();
  }

  #await(timed: TimedDecision): void {
    const atMs = nextWordMs(timed.decision, timed.dueMs);
    if (atMs !== null) this.#times.add(atMs, timed);
  }
}

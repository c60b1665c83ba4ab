import type { AppendedEvent } from "../../log/event-log.ts";
import type { JournalEvent } from "../../records/journal.ts";
import { notInTime, type Patience } from "../journal/patience.ts";
import { concernsSame, type LaneAct } from "../partition/lane-act.ts";

interface Queued {
  readonly draft: () => LaneAct;
  readonly alone: boolean;
  readonly patience: Patience;
  readonly resolve: (appended: AppendedEvent) => void;
  readonly reject: (error: unknown) => void;
}

/** Acts whose record is under way. */
export interface TakenActs {
  readonly acts: readonly LaneAct[];
  readonly events: readonly JournalEvent[];
  /** They take an append of their own. */
  readonly alone: boolean;
  readonly stored: (appended: AppendedEvent) => void;
  readonly refused: (error: unknown) => void;
}

/** The most acts of one append. An append takes 1000 events, and a flush has at most 300 of its own and those of its slots. */
const actsAtOnce = 256;
export const noActs: TakenActs = { acts: [], events: [], alone: false, stored() {}, refused() {} };

/** Operators' acts on lanes that wait for the next append to the journal. Each is drafted when that append is made, since its lane may have changed by then. */
export class ActQueue {
  #queued: Queued[] = [];

  get size(): number {
    return this.#queued.length;
  }

  /** Whether the next one takes an append of its own. */
  get alone(): boolean {
    return this.#queued[0]?.alone ?? false;
  }

  /** Resolves when its record is stored. @throws what `draft` throws then. */
  add(draft: () => LaneAct, { patience, alone }: { readonly patience: Patience; readonly alone: boolean }): Promise<AppendedEvent> {
    const { promise, resolve, reject } = Promise.withResolvers<AppendedEvent>();
    promise.catch(() => {}); // its caller may be gone
    this.#queued.push({ draft, alone, patience, resolve, reject });
    return promise;
  }

  /** Drafts the acts of the next append. An act whose caller does not wait any more is refused, and nothing of it is done. */
  take(): TakenActs {
    const acts: LaneAct[] = [];
    const asked: Queued[] = [];
    const left: Queued[] = [];
    for (const [index, each] of this.#queued.entries()) {
      if (asked[0]?.alone || (each.alone && asked.length > 0) || acts.length === actsAtOnce) {
        for (const act of this.#queued.slice(index)) left.push(act);
        break;
      }
      try {
        if (each.patience.over) throw notInTime();
        const act = each.draft();
        if (acts.some((other) => concernsSame(act, other))) {
          left.push(each);
          continue;
        }
        acts.push(act);
        asked.push(each);
      } catch (error) {
        each.reject(error);
      }
    }
    this.#queued = left;
    if (acts.length === 0) return noActs;
    return {
      acts,
      events: acts.map(({ event }) => event),
      alone: asked[0]!.alone,
      stored: (appended) => {
        for (const { resolve } of asked) resolve(appended);
      },
      refused: (error) => {
        for (const { reject } of asked) reject(error);
      },
    };
  }

  /** All that wait are refused. */
  refuse(error: unknown): void {
    for (const { reject } of this.#queued.splice(0)) reject(error);
  }
}

/** One partition's place in this process as the assignment of partitions to instances sees it: it says when to claim, and when to let go. */
import { RepriseError } from "../../errors.ts";
import type { LetGo, Seat } from "./seat.ts";
import { damageIn } from "./standstill.ts";

export interface PartitionSeat {
  readonly handler: string;
  readonly partition: number;
  readonly of: number;
  readonly state: "unowned" | "claiming" | "owned" | "draining";
  /** Revision of the claim, while this instance owns it. */
  readonly epoch: number | null;
  /** Why it stands still until somebody repairs it, as `<code>: <message>`; null: it does not. */
  readonly standstill: string | null;
  /** How long the longest of its calls that run has run; 0: none runs. */
  readonly oldestCallMs: number;
  /** Claims the journal, folds it anew, and goes to work. @throws FENCED (another was faster), JOURNAL_DAMAGED, LOG_UNAVAILABLE, … */
  open(): Promise<{ readonly epoch: number }>;
  /**
   * Starts nothing more, lets what runs end within `drainMs`, records all, and gives the journal up. What still runs then is abandoned, unless it is
   * `keepIfBusy`: then it goes on as before.
   */
  release(drainMs: number, how?: LetGo): Promise<"released" | "kept">;
  /** Nothing more is started or recorded here, and the signals of what runs are aborted. The journal is not given up: whoever claims it next folds it. */
  abort(why: string): void;
}

export function partitionSeatOf(seat: Seat): PartitionSeat {
  let moving: "claiming" | "draining" | null = null;
  return {
    ...seat.place,
    get state() {
      return moving ?? (seat.working === null ? "unowned" : "owned");
    },
    get epoch() {
      return seat.working?.claimed.epoch ?? null;
    },
    get standstill() {
      const damage = damageIn(seat.fault);
      return damage === null ? null : `${damage.code}: ${damage.message}`;
    },
    get oldestCallMs() {
      return (seat.working?.running() ?? []).reduce((oldest, { forMs }) => Math.max(oldest, forMs), 0);
    },
    async open() {
      moving = "claiming";
      try {
        await seat.letGo(0); // what was fenced, or given up
        return { epoch: (await seat.claim()).claimed.epoch };
      } finally {
        moving = null;
      }
    },
    async release(drainMs, how) {
      moving = "draining";
      try {
        return (await seat.letGo(drainMs, how)) ? "released" : "kept";
      } finally {
        moving = null;
      }
    },
    abort(why) {
      seat.working?.life.fail(new RepriseError("FENCED", why));
    },
  };
}

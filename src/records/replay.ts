import type { FailureText } from "../catalog/catalog.ts";
import type { Act } from "./act.ts";
import type { AskedAppend, Ends } from "./attempt.ts";
import type { ReplayItem } from "./replay-item.ts";

/** The work of a replay, its rate, and its stop conditions. */
export interface ReplayTerms {
  readonly ratePerSecond: number | null;
  readonly mode: "run" | "dry_run";
  readonly effects: "once" | "again";
  /** So many entities go first and alone. The rest follows after a hold, if all went well. */
  readonly canary: { readonly entities: number; readonly holdSeconds: number } | null;
  readonly stopWhen: { readonly failureRatio: number | null; readonly failuresInARow: number | null } | null;
}

/** The terms under which a plan is run. Without a rate, the plan's rate counts; null: without limit. */
export type AskedTerms = Omit<ReplayTerms, "ratePerSecond"> & { readonly ratePerSecond?: number | null };

/** The kind of a replay's deliveries: dead letters, delivered again in their own lanes; or deliveries of its own. */
export type ReplayKind = "single" | "batch" | "dead_letters" | "history";

/** Who runs a replay, where several instances share the work. */
export interface ReplayRunner {
  readonly instance: string;
  /** Id of its process, which its signs of life carry. */
  readonly life: string;
}

export interface ReplayRequested extends Partial<ReplayTerms> {
  readonly replayId: string;
  readonly kind: ReplayKind;
  readonly actor: string;
  readonly reason: string | null;
  readonly ratePerSecond: number | null;
  readonly total: number;
  readonly filter: Readonly<Record<string, string>> | null;
  readonly tenant?: string;
  /** Present when the items are in the plan's stream. */
  readonly planId?: string;
  /** Its deliveries are its own, with delivery ids of their own and outcomes in this stream only. */
  readonly own?: boolean;
  readonly targetHandler?: string | null;
  /** Position at which the items were chosen. */
  readonly cutoff?: string;
  /** Before its delivery, each item is amended with the data that this migration of the config makes of it. */
  readonly migration?: string;
  /** Runs it until another one claims it. Left out by an instance alone. */
  readonly runner?: ReplayRunner;
}

/** The result of a replay. The counts add up to its total. */
export interface ReplayReport {
  readonly status: "completed" | "stopped" | "cancelled";
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  readonly skips: readonly { readonly reason: string; readonly count: number }[];
  /** Why it stopped before its end. */
  readonly why?: string | null;
  /** Dead letters of the same handlers that are younger than the cut-off, without those of its own items. */
  readonly newSince?: number;
}

/** The outcome of one delivery of a replay's own: its place among the items, and how often it was called. */
export interface OwnOutcome {
  readonly item: number;
  readonly outcome: "succeeded" | "failed";
  readonly attempts: number;
  readonly error: FailureText | null;
  /** Keys of the effects that a real run would have run, for a dry run. */
  readonly effects?: readonly string[];
  /** Events that a real run would have appended, for a dry run. */
  readonly appends?: readonly AskedAppend[];
}

/** The events of `reprise.replay-<id>`. Outcomes of dead letters are only in the journals, with the `replayId`. */
export interface ReplayStreamData {
  "replay.requested": ReplayRequested;
  /** In parts of at most 500 items, in the order in which they start. */
  "replay.items": { readonly items: readonly ReplayItem[] };
  /** The instance that ran it has left, and this one runs it from now on. Nobody but the runner writes what follows, except for operators' acts. */
  "replay.claimed": ReplayRunner & { readonly from: string | null };
  /** Nothing more of the replay starts; `replay.paused` follows once nothing of it runs. */
  "replay.pausing": { readonly act: Act };
  "replay.paused": Record<string, never>;
  "replay.resumed": { readonly act: Act };
  "replay.rate_changed": { readonly ratePerSecond: number | null; readonly act: Act };
  "replay.cancelling": { readonly act: Act };
  /** The replay stops by its stop conditions or its canary. */
  "replay.stopping": { readonly why: string };
  "replay.canary_passed": { readonly entities: number };
  /** Own deliveries that are about to be called. The record is stored before the call, so that a delivery that ends the process is found. */
  "replay.started": {
    readonly items: readonly number[];
    /** Id of the process that calls them, and the counts of earlier ends. The first builds left both out. */
    readonly life?: string;
    readonly ends?: Ends;
    /** Nothing else of the process runs meanwhile, so these deliveries are to blame if it ends. Left out: true. */
    readonly alone?: boolean;
  };
  /** Outcomes of own deliveries, in parts of at most 256. */
  "replay.outcomes": { readonly outcomes: readonly OwnOutcome[] };
  "replay.ended": ReplayReport;
}

/** One event of a replay's stream. */
export type ReplayEntry = {
  [Type in keyof ReplayStreamData]: { readonly type: Type; readonly data: ReplayStreamData[Type] };
}[keyof ReplayStreamData];

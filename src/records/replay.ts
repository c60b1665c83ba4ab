import type { FailureText } from "../catalog/catalog.ts";
import type { Act } from "./act.ts";
import type { Ends } from "./attempt.ts";
import type { ReplayItem } from "./replay-item.ts";

/** What a replay does, how fast, and when it stops. */
export interface ReplayTerms {
  readonly ratePerSecond: number | null;
  readonly mode: "run" | "dry_run";
  readonly effects: "once" | "again";
  /** First so many entities alone; then, after a hold, the rest if all went well. */
  readonly canary: { readonly entities: number; readonly holdSeconds: number } | null;
  readonly stopWhen: { readonly failureRatio: number | null; readonly failuresInARow: number | null } | null;
}

/** How a plan is to be run. Without a rate: at the plan's; null: without limit. */
export type AskedTerms = Omit<ReplayTerms, "ratePerSecond"> & { readonly ratePerSecond?: number | null };

/** What the deliveries of a replay are: dead letters, delivered again in their own lanes; or deliveries of its own. */
export type ReplayKind = "single" | "batch" | "dead_letters" | "history";

export interface ReplayRequested extends Partial<ReplayTerms> {
  readonly replayId: string;
  readonly kind: ReplayKind;
  readonly actor: string;
  readonly reason: string | null;
  readonly ratePerSecond: number | null;
  readonly total: number;
  readonly filter: Readonly<Record<string, string>> | null;
  readonly tenant?: string;
  /** Its items are in the plan's stream. */
  readonly planId?: string;
  /** Its deliveries are its own, with delivery ids of their own and outcomes in this stream only. */
  readonly own?: boolean;
  readonly targetHandler?: string | null;
  /** Position at which the items were chosen. */
  readonly cutoff?: string;
  /** Each item is amended with what this migration of the config makes of it, before it is delivered. */
  readonly migration?: string;
}

/** What became of a replay. The counts add up to its total. */
export interface ReplayReport {
  readonly status: "completed" | "stopped" | "cancelled";
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  readonly skips: readonly { readonly reason: string; readonly count: number }[];
  /** Why it stopped before its end. */
  readonly why?: string | null;
  /** Dead letters of the same handlers that are younger than the cut-off, those of its own items apart. */
  readonly newSince?: number;
}

/** What came of one delivery of a replay's own: its place among the items, and how often it was called. */
export interface OwnOutcome {
  readonly item: number;
  readonly outcome: "succeeded" | "failed";
  readonly attempts: number;
  readonly error: FailureText | null;
  /** Keys of the effects that a dry run would have had. */
  readonly effects?: readonly string[];
}

/** Of `reprise.replay-<id>`. Outcomes of dead letters are only in the journals, with the `replayId`. */
export interface ReplayStreamData {
  "replay.requested": ReplayRequested;
  /** In parts of at most 500 items, in the order in which they start. */
  "replay.items": { readonly items: readonly ReplayItem[] };
  /** Starts nothing further; `replay.paused` once nothing of it runs. */
  "replay.pausing": { readonly act: Act };
  "replay.paused": Record<string, never>;
  "replay.resumed": { readonly act: Act };
  "replay.rate_changed": { readonly ratePerSecond: number | null; readonly act: Act };
  "replay.cancelling": { readonly act: Act };
  /** By its stop conditions or its canary. */
  "replay.stopping": { readonly why: string };
  "replay.canary_passed": { readonly entities: number };
  /** Own deliveries that are about to be called, stored first: one that ends the process is found so. */
  "replay.started": {
    readonly items: readonly number[];
    /** Of the process that calls them, and what earlier ends say of them. Left out by the first builds. */
    readonly life?: string;
    readonly ends?: Ends;
    /** Nothing else of the process runs meanwhile, so that its end could be laid at their door. Left out: true. */
    readonly alone?: boolean;
  };
  /** Of own deliveries, in parts of at most 256. */
  "replay.outcomes": { readonly outcomes: readonly OwnOutcome[] };
  "replay.ended": ReplayReport;
}

/** One event of a replay's stream. */
export type ReplayEntry = {
  [Type in keyof ReplayStreamData]: { readonly type: Type; readonly data: ReplayStreamData[Type] };
}[keyof ReplayStreamData];

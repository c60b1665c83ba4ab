import type { PositionText as Position } from "../../event/event.ts";
import type { OwnOutcome, ReplayKind, ReplayTerms } from "../../records/replay.ts";
import type { PageOptions } from "./page.ts";

export const replayStatuses = ["running", "pausing", "paused", "cancelling", "cancelled", "stopped", "completed"] as const;

export type ReplayStatus = (typeof replayStatuses)[number];

export interface ReplayView extends ReplayTerms {
  readonly replayId: string;
  readonly tenant: string;
  readonly planId: string | null;
  readonly kind: ReplayKind;
  readonly status: ReplayStatus;
  readonly reason: string | null;
  readonly actor: string;
  readonly targetHandler: string | null;
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  readonly remaining: number;
  readonly createdAt: string;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly skips: readonly { readonly reason: string; readonly count: number }[];
  /** Why it stopped before its end. */
  readonly why: string | null;
  /** Null until it has ended, and for replays without a plan. */
  readonly newSince: number | null;
  /** Position at which its items were chosen. */
  readonly cutoff: Position | null;
}

export interface ReplayReads {
  /** Undefined for another tenant's, too. */
  replay(tenant: string, replayId: string): Promise<ReplayView | undefined>;
  /** Newest first. */
  replays(tenant: string, page: PageOptions): Promise<{ readonly replays: readonly ReplayView[]; readonly nextCursor: string | null }>;
  /** Replays without an end, and the plans that they run. */
  openReplays(): Promise<readonly { readonly tenant: string; readonly replayId: string; readonly planId: string | null }[]>;
}

/** What came of the items of a tenant's replay: nothing, for another tenant's. */
export interface ReplayOutcomes {
  /** What came of a replay's own deliveries, by item, from this one on. */
  ownOutcomes(tenant: string, replayId: string, from: number, limit: number): Promise<readonly OwnOutcome[]>;
  /** Outcome so far of each item of a replay, by `<handler>\n<stream>\n<revision>`. */
  replayOutcomes(tenant: string, replayId: string): Promise<ReadonlyMap<string, "replayed" | "dead_lettered">>;
  /** The same of one item. */
  replayOutcome(
    tenant: string,
    replayId: string,
    item: { readonly handler: string; readonly stream: string; readonly revision: number },
  ): Promise<"replayed" | "dead_lettered" | undefined>;
}

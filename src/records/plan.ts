import type { FailureText } from "../catalog/catalog.ts";
import type { ReplayRequested } from "./replay.ts";
import type { ReplayItem } from "./replay-item.ts";

/** What an operator selected, as it was asked. Times in milliseconds since 1970. */
export type ReplaySelection =
  | { readonly kind: "dead_letters"; readonly filter: Readonly<Record<string, string | number>> }
  | { readonly kind: "ids"; readonly ids: readonly string[] }
  | { readonly kind: "history"; readonly handler: string; readonly filter: Readonly<Record<string, string | number | readonly string[]>> };

/** What a plan found, without payloads. */
export interface PlanFindings {
  readonly planId: string;
  readonly tenant: string;
  readonly actor: string;
  readonly selection: ReplaySelection;
  readonly targetHandler: string | null;
  readonly cutoff: string;
  readonly madeAt: string;
  readonly expiresAt: string;
  /** Items of the plan: what its replay starts. */
  readonly deliveries: number;
  /** Dead letters that the selection matched. */
  readonly deadLetters: number;
  /** Events held behind them that would follow. */
  readonly releases: number;
  readonly entities: number;
  readonly byHandler: readonly { readonly handler: string; readonly deliveries: number; readonly entities: number }[];
  readonly byError: readonly { readonly error: string; readonly count: number }[];
  readonly ineligible: readonly { readonly reason: string; readonly count: number }[];
  readonly invalid: readonly { readonly eventId: string; readonly step: string; readonly error: FailureText }[];
  readonly invalidTotal: number;
  readonly ratePerSecond: number | null;
  /** Fingerprint of each event type's chain: another one makes the plan stale. */
  readonly chains: Readonly<Record<string, string>>;
  /** Items to show as samples. */
  readonly samples: readonly number[];
}

/** Of `reprise.plan-<id>`. Parts of items first; the plan is there once `plan.made` is. */
export interface PlanStreamData {
  "replay.items": { readonly items: readonly ReplayItem[] };
  "plan.made": PlanFindings;
  /** By whoever stores it first; what it started. */
  "plan.used": { readonly job: ReplayRequested };
}

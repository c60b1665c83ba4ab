import type { FailureText } from "../catalog/catalog.ts";
import type { ReplayRequested } from "./replay.ts";
import type { ReplayItem } from "./replay-item.ts";

/** An operator's selection, as it was sent. Times in milliseconds since 1970. */
export type ReplaySelection =
  | { readonly kind: "dead_letters"; readonly filter: Readonly<Record<string, string | number>> }
  | { readonly kind: "ids"; readonly ids: readonly string[] }
  | { readonly kind: "history"; readonly handler: string; readonly filter: Readonly<Record<string, string | number | boolean | readonly string[]>> };

/** The result of making a plan, without payloads. */
export interface PlanFindings {
  readonly planId: string;
  readonly tenant: string;
  readonly actor: string;
  readonly selection: ReplaySelection;
  readonly targetHandler: string | null;
  readonly cutoff: string;
  readonly madeAt: string;
  readonly expiresAt: string;
  /** Number of the plan's items, which its replay starts. */
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
  /** Fingerprint of each event type's chain. When a chain gets another one, the plan is stale. */
  readonly chains: Readonly<Record<string, string>>;
  /** Places of items that are shown as samples. */
  readonly samples: readonly number[];
}

/** The events of `reprise.plan-<id>`. Parts of items come first; the plan exists once `plan.made` does. */
export interface PlanStreamData {
  "replay.items": { readonly items: readonly ReplayItem[] };
  "plan.made": PlanFindings;
  /** Written by whoever uses the plan first; names what it started. */
  "plan.used": { readonly job: ReplayRequested };
}

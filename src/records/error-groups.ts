/** The events of `reprise.error-groups`: what operators did with error groups. Stored formats: they only ever grow. */
import type { Act } from "./act.ts";

export interface AboutErrorGroup {
  readonly tenant: string;
  readonly handler: string;
  readonly fingerprint: string;
  readonly before: ErrorGroupState;
  readonly act: Act;
}

export interface ErrorGroupStreamData {
  /** `build`: the one that mends it, and failures of builds before it say nothing; null: it is mended now. */
  "error_group.resolved": AboutErrorGroup & { readonly build: string | null };
  /** `until` null: until somebody opens it again. */
  "error_group.ignored": AboutErrorGroup & { readonly until: string | null };
  "error_group.reopened": AboutErrorGroup;
}

export const errorGroupStates = ["open", "resolved", "ignored"] as const;
export type ErrorGroupState = (typeof errorGroupStates)[number];

import type { AttemptClass } from "../../records/attempt.ts";
import type { ErrorGroupState } from "../../records/error-groups.ts";
import type { DeadLetterView } from "./dead-letter.ts";
import type { PageOptions } from "./page.ts";

export interface ErrorGroupFilter {
  readonly tenant: string;
  readonly state?: ErrorGroupState;
  readonly handler?: string;
  readonly eventType?: string;
  /** In `<type>: <message>`, as it stands there. */
  readonly errorLike?: string;
  /** When last seen: milliseconds since 1970, `since ≤ t < until`. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
}

/** Failures of one handler that are alike. */
export interface ErrorGroupView {
  readonly fingerprint: string;
  readonly tenant: string;
  readonly handler: string;
  /** How the calls failed. Null for what no call was made for, and for the group of those that found no room in another. */
  readonly class: AttemptClass | null;
  readonly type: string;
  /** With placeholders for ids, numbers and quoted text. */
  readonly message: string;
  /** Id of the event that failed last. */
  readonly example: string;
  /** Failures ever, dead-lettered or not. */
  readonly count: number;
  /** Its dead letters that wait now. */
  readonly waiting: number;
  /** Entities that failed with it, ever. */
  readonly entities: number;
  /** The newest of each are last; of more than 50 the oldest are left out. */
  readonly eventTypes: readonly string[];
  readonly schemaVersions: readonly number[];
  readonly builds: readonly string[];
  readonly leftOut: { readonly eventTypes: number; readonly schemaVersions: number; readonly builds: number };
  readonly firstSeen: string;
  readonly lastSeen: string;
  /** One that was ignored up to a time that is over is open. */
  readonly state: ErrorGroupState;
  readonly stateBy: string | null;
  readonly stateReason: string | null;
  readonly stateAt: string | null;
  /** Of an ignored one; null: until somebody opens it again. */
  readonly ignoredUntil: string | null;
  /** Of a resolved one: the build that mends it. */
  readonly fixedIn: string | null;
}

export interface ErrorGroupDetail extends ErrorGroupView {
  /** Hours in which it was seen, the newest 168 of them, oldest first; each begins at `at`. */
  readonly histogram: readonly { readonly at: string; readonly count: number }[];
  /** Failures before them. */
  readonly before: number;
  /** Its newest dead letters, at most 10. */
  readonly letters: readonly DeadLetterView[];
}

export interface ErrorGroupReads {
  /** The one seen last comes first. */
  errorGroups(filter: ErrorGroupFilter, page: PageOptions): Promise<{ readonly groups: readonly ErrorGroupView[]; readonly nextCursor: string | null }>;
  /** Those with this fingerprint: one for each handler that makes it. */
  findErrorGroups(tenant: string, fingerprint: string): Promise<readonly ErrorGroupView[]>;
  /** @returns undefined when there is none. */
  errorGroup(about: { readonly tenant: string; readonly handler: string; readonly fingerprint: string }): Promise<ErrorGroupDetail | undefined>;
}

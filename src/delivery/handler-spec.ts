import type { EscalateRule, HandlerDefinition, Jitter, OnExhausted } from "./handler.ts";
import type { IntegrationSpec } from "./integration-spec.ts";
import type { DecisionTimes } from "./policy/decision-times.ts";

/** A retry policy with every field filled in. */
export interface RetryPolicy {
  readonly maxAttempts: number;
  readonly initialDelayMs: number;
  readonly factor: number;
  readonly maxDelayMs: number;
  readonly jitter: Jitter;
  /** The waits, one after another, in place of the back-off; null: the back-off. */
  readonly schedule: readonly number[] | null;
  /** The most milliseconds from the first call to the beginning of the last one; null: no such limit. */
  readonly maxElapsedMs: number | null;
  readonly timeoutMs: number;
  readonly nonRetryable: readonly string[];
  readonly onExhausted: OnExhausted;
}

/** A handler's: one for all of its event types, but for those that have their own. */
export class RetryPolicies {
  readonly #usual: RetryPolicy;
  readonly #byType: ReadonlyMap<string, RetryPolicy>;

  constructor(usual: RetryPolicy, byType: ReadonlyMap<string, RetryPolicy>) {
    this.#usual = usual;
    this.#byType = byType;
  }

  of(eventType: string): RetryPolicy {
    return this.#byType.get(eventType) ?? this.#usual;
  }
}

/** A handler as config.ts checked it: defaults filled in, `*` resolved, types known to the catalog. */
export interface HandlerSpec {
  readonly name: string;
  /** Current event types that it wants, sorted. */
  readonly types: readonly string[];
  readonly ordering: "strict" | "relaxed";
  readonly concurrency: number;
  readonly startFrom: "beginning" | "now" | null;
  /** How many partitions it begins with; null: the config does not say. */
  readonly partitions: number | null;
  readonly record: "batch" | "each";
  readonly unknownOutcome: "repeat" | "escalate";
  /** What it calls and shares with others; null: nothing that anybody would wait for. */
  readonly integration: IntegrationSpec | null;
  /** Says whether a person has to decide on an event before the handler is called; null: nobody ever has. */
  readonly escalate: EscalateRule | null;
  readonly decisions: DecisionTimes;
  readonly policies: RetryPolicies;
  readonly definition: HandlerDefinition;
  /** URL of a webhook. */
  readonly endpoint: string | null;
}

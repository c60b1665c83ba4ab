import type { HandlerDefinition, Jitter } from "./handler.ts";

/** A retry policy with every field filled in. */
export interface RetryPolicy {
  readonly maxAttempts: number;
  readonly initialDelayMs: number;
  readonly factor: number;
  readonly maxDelayMs: number;
  readonly jitter: Jitter;
  readonly timeoutMs: number;
  readonly nonRetryable: readonly string[];
  readonly onExhausted: "dead_letter" | "skip";
}

/** A handler as config.ts checked it: defaults filled in, `*` resolved, types known to the catalog. */
export interface HandlerSpec {
  readonly name: string;
  /** Current event types that it wants, sorted. */
  readonly types: readonly string[];
  readonly ordering: "strict" | "relaxed";
  readonly concurrency: number;
  readonly startFrom: "beginning" | "now" | null;
  readonly record: "batch" | "each";
  readonly unknownOutcome: "repeat" | "escalate";
  readonly policy: (eventType: string) => RetryPolicy;
  readonly definition: HandlerDefinition;
  /** URL of a webhook. */
  readonly endpoint: string | null;
}

import type { RetryPolicy } from "../handler-spec.ts";

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

import type { EscalationOptions, RetryOptions } from "../delivery/handler.ts";
import type { BreakerOptions } from "../delivery/integration-definition.ts";
import type { DeliveryLimits } from "../delivery/limits.ts";
import type { RetentionPace } from "../retention/retention-rule.ts";

/** Returns the members that are not `undefined`. */
export function defined<T extends RetryOptions | EscalationOptions | BreakerOptions | Partial<DeliveryLimits> | RetentionPace>(
  options: T,
): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> };
}

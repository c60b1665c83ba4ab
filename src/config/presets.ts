/** What a task can bear, as plain data: defaults that a handler takes over by name, and may override field by field (docs/failure.md). */
import type { HandlerOptions, PresetName } from "../delivery/handler.ts";

export type Preset = Pick<HandlerOptions, "retry" | "record" | "unknownOutcome" | "breaker">;

export const presets = {
  /** Nothing changes outside, so that it may be repeated at will: many attempts, spread, and none while the receiver is down. */
  readOnly: { retry: { maxAttempts: 10, jitter: "full" }, breaker: true },
  /** A repeat is a nuisance, a loss is one too: some attempts, then a dead letter. */
  notification: { retry: { maxAttempts: 5 } },
  /** Something outside changes: few attempts, and each outcome is on record before the entity's next event starts. */
  mutation: { retry: { maxAttempts: 3 }, record: "each" },
  /** Never twice by itself: one attempt, and then a person decides, also when nobody knows what the call did. */
  payment: { retry: { maxAttempts: 1, onExhausted: "escalate" }, record: "each", unknownOutcome: "escalate" },
  /** Not worth a second attempt, or a dead letter: one attempt, then on. */
  bestEffort: { retry: { maxAttempts: 1, onExhausted: "skip" } },
} as const satisfies Record<PresetName, Preset>;

for (const preset of Object.values(presets)) {
  Object.freeze(preset.retry);
  Object.freeze(preset);
}
Object.freeze(presets);

/** Beside a handler at work: how long its calls take, and how many of its deliveries complete. */
import type { AttemptOutcome } from "../delivery/attempt/attempt.ts";
import type { CallsSeen } from "../delivery/handler-twin.ts";
import type { Counted } from "./counted.ts";

export function measuredHandler(handler: string, { deliveries, processSeconds }: Counted): CallsSeen {
  const done = deliveries.of(handler, "completed");
  const took = {
    completed: processSeconds.of(handler, "completed"),
    failed: processSeconds.of(handler, "failed"),
    skipped: processSeconds.of(handler, "skipped"),
    escalated: processSeconds.of(handler, "escalated"),
  };
  return {
    called(outcome, call) {
      const status = statusAfter(outcome);
      if (status !== null) took[status].observe(call.timing().durationMs / 1000);
    },
    completed: () => done.add(),
  };
}

/** The delivery's, when nothing follows; null where nothing was called, or nothing came of it because the service stops. */
function statusAfter(outcome: AttemptOutcome): "completed" | "failed" | "skipped" | "escalated" | null {
  switch (outcome.kind) {
    case "completed":
    case "skipped":
      return outcome.kind;
    case "escalated":
      return outcome.when === "before" ? null : outcome.kind;
    case "failed":
    case "deferred":
    case "gone":
      return "failed";
    case "abandoned":
    case "rule_failed":
      return null;
  }
}

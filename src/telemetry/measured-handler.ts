/** Beside a handler at work: how long its calls take, and how many of its deliveries complete. */
import type { Attempt, AttemptOutcome } from "../delivery/attempt/attempt.ts";
import type { HandlerTwin } from "../delivery/handler-twin.ts";
import type { Clock } from "../event/clock.ts";
import type { Counted } from "./counted.ts";

export function measuredHandler(handler: string, { deliveries, processSeconds }: Counted, clock: Clock): HandlerTwin {
  const done = deliveries.of(handler, "completed");
  const took = {
    completed: processSeconds.of(handler, "completed"),
    failed: processSeconds.of(handler, "failed"),
    skipped: processSeconds.of(handler, "skipped"),
    escalated: processSeconds.of(handler, "escalated"),
  };
  const end = (outcome: AttemptOutcome, sinceMs: number): void => {
    const status = statusAfter(outcome);
    if (status !== null) took[status].observe((clock.monotonicMs() - sinceMs) / 1000);
  };
  return {
    attempt:
      (attempt: Attempt): Attempt =>
      (request) => {
        const sinceMs = clock.monotonicMs();
        const begun = attempt(request);
        if (begun.kind === "running") void begun.outcome.then((outcome) => end(outcome, sinceMs));
        else end(begun, sinceMs);
        return begun;
      },
    completed: () => done.add(),
  };
}

/** The delivery's, when nothing follows; null where nothing was called, or nothing came of it because the service stops. */
function statusAfter({ kind }: AttemptOutcome): "completed" | "failed" | "skipped" | "escalated" | null {
  switch (kind) {
    case "completed":
    case "skipped":
    case "escalated":
      return kind;
    case "failed":
    case "deferred":
    case "gone":
      return "failed";
    case "abandoned":
    case "rule_failed":
      return null;
  }
}

/** Beside a handler at work: how long its calls take, and how many of its deliveries complete. */
import type { AttemptOutcome } from "../delivery/attempt/attempt.ts";
import type { CallsSeen } from "../delivery/handler-twin.ts";
import type { Counted } from "./counted.ts";
import type { Count, Durations } from "./series.ts";

type Status = "completed" | "failed" | "skipped" | "escalated";

export class MeasuredHandler implements CallsSeen {
  readonly #done: Count;
  readonly #took: Readonly<Record<Status, Durations>>;

  constructor(handler: string, { deliveries, processSeconds }: Counted) {
    this.#done = deliveries.of(handler, "completed");
    this.#took = {
      completed: processSeconds.of(handler, "completed"),
      failed: processSeconds.of(handler, "failed"),
      skipped: processSeconds.of(handler, "skipped"),
      escalated: processSeconds.of(handler, "escalated"),
    };
  }

  called(outcome: AttemptOutcome, call: Parameters<CallsSeen["called"]>[1]): void {
    const status = statusAfter(outcome);
    if (status !== null) this.#took[status].observe(call.timing().durationMs / 1000);
  }

  completed(): void {
    this.#done.add();
  }
}

/** The delivery's, when nothing follows; null where nothing was called, or nothing came of it because the service stops. */
function statusAfter(outcome: AttemptOutcome): Status | null {
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

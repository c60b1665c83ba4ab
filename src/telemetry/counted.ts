/** Everything that a store counts while it works, since the process began. */
import { attemptClasses } from "../records/attempt.ts";
import { Counter, type Family, Histogram } from "./series.ts";

/** From a commit of the embedded log to an agent that takes minutes. */
const seconds = {
  append: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  process: [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900],
  request: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
};

/** `refused`: the request was at fault, and nothing was stored. `failed`: the log was; what was stored of it, nobody can say. */
const appendOutcomes = ["stored", "duplicate", "refused", "failed"] as const;

/** The statuses to which a delivery comes by being delivered or by an act. */
const deliveryOutcomes = ["completed", "failed", "dead_lettered", "escalated", "replayed", "discarded", "skipped"] as const;
export type DeliveryOutcome = (typeof deliveryOutcomes)[number];

const itemOutcomes = ["succeeded", "failed", "skipped"] as const;

export class Counted {
  readonly appends = new Counter({ name: "reprise_appends_total", help: "Events that were given to an append, by what became of them.", labels: ["outcome"] });
  readonly appendSeconds = new Histogram(
    { name: "reprise_append_duration_seconds", help: "How long an append took, of one event or of many, refused ones too.", labels: [] },
    seconds.append,
  );
  readonly deliveries = new Counter({
    name: "reprise_deliveries_total",
    help: "How often a delivery came to this status. failed: an attempt failed or was put off, and another one comes.",
    labels: ["handler", "outcome"],
  });
  readonly processSeconds = new Histogram(
    { name: "reprise_process_duration_seconds", help: "How long a call of the handler took.", labels: ["handler", "outcome"] },
    seconds.process,
  );
  readonly attemptsFailed = new Counter({
    name: "reprise_attempts_failed_total",
    help: "Attempts that failed, by the class of the failure, as they are on record.",
    labels: ["handler", "class"],
  });
  readonly replayItems = new Counter({ name: "reprise_replay_items_total", help: "Items of replays, by what became of them.", labels: ["outcome"] });
  readonly requestSeconds = new Histogram(
    { name: "reprise_http_request_duration_seconds", help: "How long a request took, by its route.", labels: ["method", "route", "status"] },
    seconds.request,
  );

  /** What may be counted stands on the page from the beginning with 0, so that the first one is seen as an increase. */
  constructor(handlers: readonly string[]) {
    for (const outcome of appendOutcomes) this.appends.of(outcome);
    this.appendSeconds.of();
    for (const outcome of itemOutcomes) this.replayItems.of(outcome);
    for (const handler of handlers) {
      for (const outcome of deliveryOutcomes) this.deliveries.of(handler, outcome);
      for (const name of attemptClasses) this.attemptsFailed.of(handler, name);
    }
  }

  families(): readonly Family[] {
    const { appends, appendSeconds, deliveries, processSeconds, attemptsFailed, replayItems, requestSeconds } = this;
    return [appends, appendSeconds, deliveries, processSeconds, attemptsFailed, replayItems, requestSeconds].map((each) => each.family());
  }
}

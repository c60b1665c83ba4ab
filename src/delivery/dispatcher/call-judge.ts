/** Judges calls, for the delivery and for the integration that was called: a failure of the integration is not the delivery's. */
import type { Clock } from "../../event/clock.ts";
import type { AttemptOutcome } from "../attempt/attempt.ts";
import { heldBack, judge, notCalled } from "../attempt/judge.ts";
import type { HandlerSpec } from "../handler-spec.ts";
import type { Sign } from "../integrations/fuse.ts";
import type { Member } from "../integrations/integration.ts";
import type { Delivery } from "../partition/delivery.ts";
import type { Verdict } from "../partition/verdict.ts";
import { askRule } from "./ask-rule.ts";
import type { HandlerCall } from "./handler-call.ts";

export interface CallJudgeOptions {
  readonly spec: HandlerSpec;
  readonly clock: Clock;
  readonly random: () => number;
  /** The handler's part in its integration; null: it has none. */
  readonly permits: Member | null;
}

/** The least and the most that a delivery waits beyond its integration's own wait: so that another one makes the next trial, and not all come at once. */
const behindMs = { least: 100, most: 1000 };

export class CallJudge {
  readonly #options: CallJudgeOptions;

  constructor(options: CallJudgeOptions) {
    this.#options = options;
  }

  /** Looked at just before the call, because it may have waited for a record meanwhile. @returns the verdict without a call; null: it may be called. */
  refusal(delivery: Delivery): Verdict | null {
    const { permits, clock } = this.#options;
    if (permits === null || delivery.permit === null) return null;
    const nowMs = clock.monotonicMs();
    const { integration } = permits;
    if (integration.fuse.isGood(delivery.permit, nowMs)) return null;
    return notCalled(delivery, integration.spec.name, { waitMs: integration.fuse.leftMs(nowMs) + this.#behindMs(), nowMs: clock.now() });
  }

  /** @returns the outcome in place of the call, where the handler's rule has a person decide; null: it is called. */
  beforeCall(call: HandlerCall): AttemptOutcome | null {
    return askRule(this.#options.spec, call);
  }

  verdictOn(delivery: Delivery, call: HandlerCall, outcome: AttemptOutcome): Verdict {
    const { spec, clock, random, permits } = this.#options;
    const { permit } = delivery;
    if (permits === null || permit === null) return judge(delivery, outcome, { call, unknownOutcome: spec.unknownOutcome, random });
    const { integration } = permits;
    const nowMs = clock.monotonicMs();
    const isDown = integration.fuse.told(permit, signOf(outcome), nowMs, delivery.lane.tenant);
    if (isDown && outcome.kind === "failed") return heldBack(delivery, outcome, { call, waitMs: integration.fuse.leftMs(nowMs) + this.#behindMs() });
    const verdict = judge(delivery, outcome, { call, unknownOutcome: spec.unknownOutcome, random });
    if (outcome.kind === "deferred" && outcome.by !== "handler")
      integration.fuse.busy(permit, verdict.kind === "defer" ? verdict.waitMs : (outcome.retryAfterMs ?? 0), nowMs);
    return verdict;
  }

  #behindMs(): number {
    return Math.ceil(behindMs.least + (behindMs.most - behindMs.least) * this.#options.random());
  }
}

/** What the outcome of a call says about the integration. */
function signOf(outcome: AttemptOutcome): Sign {
  switch (outcome.kind) {
    case "completed":
    case "skipped":
    case "gone":
      return "answered";
    case "failed":
      return outcome.class === "terminal" ? "answered" : "failed";
    case "escalated":
      return outcome.when === "after" ? "answered" : "nothing";
    case "deferred":
    case "abandoned":
    case "rule_failed":
      return "nothing";
  }
}

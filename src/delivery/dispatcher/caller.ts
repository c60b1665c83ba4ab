/** Calls the handler: lifts the event, calls the handler for each of its parts, and tells the partition the verdict. The partition decides what to call. */
import type { Catalog } from "../../catalog/catalog.ts";
import type { Clock } from "../../event/clock.ts";
import type { CurrentEvent } from "../../event/event.ts";
import { within } from "../../event/waits.ts";
import type { Attempt, AttemptInFlight, AttemptOutcome } from "../attempt/attempt.ts";
import { nothing, Told } from "../attempt/call-under-way.ts";
import { nothingToDo, unliftable } from "../attempt/judge.ts";
import type { DeliveryLogger } from "../delivery-logger.ts";
import type { Effects } from "../effects/effects.ts";
import type { FollowUps } from "../follow-ups/follow-ups.ts";
import type { HandlerSpec } from "../handler-spec.ts";
import type { CallsSeen } from "../handler-twin.ts";
import type { Delivery } from "../partition/delivery.ts";
import type { Partition } from "../partition/partition.ts";
import type { Verdict } from "../partition/verdict.ts";
import type { CallJudge } from "./call-judge.ts";
import { DamagedLanes } from "./damaged-lanes.ts";
import { HandlerCall } from "./handler-call.ts";
import type { JournalWriter } from "./journal-writer.ts";
import { LastCall } from "./last-call.ts";
import { LateCalls } from "./late-calls.ts";
import type { Lifetime } from "./lifetime.ts";
import type { Loans } from "./loans.ts";
import type { PauseActs } from "./pause-acts.ts";
import type { Pump } from "./pump.ts";

export interface CallerOptions {
  readonly spec: HandlerSpec;
  readonly attempt: Attempt;
  readonly epoch: number;
  readonly seen: CallsSeen;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly judge: CallJudge;
  readonly logger: DeliveryLogger;
  readonly effects: Effects;
  readonly followUps: FollowUps;
  readonly partition: Partition;
  readonly writer: JournalWriter;
  readonly loans: Loans;
  readonly pauses: PauseActs;
  readonly life: Lifetime;
  readonly pump: Pump;
}

export class Caller {
  readonly #options: CallerOptions;
  readonly #late: LateCalls;
  readonly #damaged: DamagedLanes;
  #onIdle: (() => void) | null = null;

  constructor(options: CallerOptions) {
    this.#options = options;
    this.#late = new LateCalls(options);
    this.#damaged = new DamagedLanes(options.spec.name, options.logger);
  }

  get damaged(): ReadonlyMap<string, string> {
    return this.#damaged.places;
  }

  isLate(delivery: Delivery): boolean {
    return this.#late.has(delivery);
  }

  isBusy(): boolean {
    return this.#options.partition.schedule.running().some(({ concluded }) => !concluded);
  }

  /** Waits until every call has its outcome. What has none after `patienceMs` is abandoned, unless it is to go on. @returns whether none is under way. */
  async untilIdle(patienceMs: number, abandons = true): Promise<boolean> {
    const { clock, life } = this.#options;
    if (!this.isBusy()) return true;
    const { promise: idle, resolve } = Promise.withResolvers<void>();
    this.#onIdle = resolve;
    await within(idle, patienceMs, clock, () => {
      if (!abandons) return undefined;
      life.abandonCalls();
      return idle;
    });
    return !this.isBusy();
  }

  /** Nobody waits for the calls any more. */
  stopWaiting(): void {
    this.#onIdle?.();
  }

  /** Delivers. What ends at once has ended when this returns. */
  run(delivery: Delivery): void {
    const { loans, life } = this.#options;
    try {
      if (delivery.loan?.toRecord) void loans.record(delivery.loan).then(() => this.run(delivery));
      else this.#deliver(delivery);
    } catch (error) {
      life.fail(error);
    }
  }

  #deliver(delivery: Delivery): void {
    const { catalog, clock, spec, partition, loans, life, judge } = this.#options;
    const { event, loan } = delivery;
    const isOver = life.stopping || life.calling.aborted || (loan !== null && (loan.leaving !== null || !loans.isAsked(loan)));
    const early: Verdict | null = isOver ? { kind: "put_back" } : judge.refusal(delivery);
    if (early !== null) {
      this.#finish(delivery, early);
      return;
    }
    const lifted = catalog.current(event);
    if (!lifted.ok) {
      if (lifted.reason === "damaged") this.#damaged.note(event.stream, lifted.error.message);
      const about = { policy: spec.policies.of(catalog.resolve(event.type) ?? event.type), startedAtMs: clock.now() };
      this.#finish(delivery, unliftable(delivery, lifted, about));
      return;
    }
    const { parts, dropped } = lifted;
    if (dropped !== null) {
      this.#finish(delivery, { kind: "dropped", reason: dropped, record: null });
      return;
    }
    if (parts.length === 1 && parts[0]!.origin === null) {
      this.#callLast(delivery, parts[0]!);
      return;
    }
    const wanted = parts.filter(({ type }) => spec.types.includes(type));
    if (wanted.length === 0) {
      this.#finish(delivery, { kind: "completed", record: nothingToDo(delivery, clock.now()) });
      return;
    }
    const first = partition.parts.firstOf(delivery);
    const left = wanted.filter(({ origin }) => origin === null || origin.part >= first);
    // There may be none, when the chain was changed since and gives fewer parts. Then the last part is called again, so that the delivery ends with an answer.
    this.#callParts(delivery, left.length > 0 ? left : wanted.slice(-1)).catch((error: unknown) => life.fail(error));
  }

  /** Calls the handler for one part after the other, as long as they complete. */
  async #callParts(delivery: Delivery, parts: readonly CurrentEvent[]): Promise<void> {
    const { spec, partition, writer, life, pump } = this.#options;
    for (const [index, part] of parts.entries()) {
      delivery.part = part.origin && { index: part.origin.part, of: part.origin.of };
      if (index === parts.length - 1) {
        this.#callLast(delivery, part);
        return;
      }
      const last = new LastCall(delivery, this.#callOf(delivery, part), this); // unless the part completes
      const attempt = this.#begin(last.call);
      if (attempt.kind === "running") attempt.listen(new Told(nothing, () => last.call.close()));
      const outcome = attempt.kind === "running" ? await attempt.outcome : attempt;
      const verdict = this.#verdictOf(last, outcome);
      const record = verdict.kind === "completed" || verdict.kind === "dropped" ? verdict.record : null; // a part that the handler skips is done, too
      if (record === null) {
        this.#end(last, outcome, verdict);
        if (attempt.kind === "running") attempt.listen(new Told(nothing, () => last.onSettled()));
        else last.onSettled();
        return;
      }
      if (attempt.kind === "running") await attempt.settled;
      partition.parts.completed(delivery, record);
      if (spec.record === "each")
        await writer.recorded().catch(() => {}); // when it never will be, the check below sees it
      else pump.now();
      if (life.calling.aborted || life.fault !== null) {
        this.#finish(delivery, { kind: "put_back" });
        return;
      }
    }
  }

  /** Calls the handler for the last part of an event, or for one that is not split. */
  #callLast(delivery: Delivery, event: CurrentEvent): void {
    const last = new LastCall(delivery, this.#callOf(delivery, event), this);
    const attempt = this.#begin(last.call);
    if (attempt.kind === "running") attempt.listen(last);
    else {
      this.#end(last, attempt, this.#verdictOf(last, attempt));
      this.settled(last);
    }
  }

  #callOf(delivery: Delivery, event: CurrentEvent): HandlerCall {
    return new HandlerCall(delivery, event, this.#options, this.#options.life.calling);
  }

  #begin(call: HandlerCall): AttemptInFlight | AttemptOutcome {
    const attempt = this.#options.judge.beforeCall(call) ?? this.#options.attempt.call(call);
    if (attempt.kind !== "running") call.close();
    return attempt;
  }

  #verdictOf({ delivery, call }: LastCall, outcome: AttemptOutcome): Verdict {
    const { judge, pauses, seen } = this.#options;
    seen.called(outcome, call);
    if (outcome.kind === "gone") pauses.pauseForGone(`the receiver answered 410: ${outcome.error.message}`);
    return judge.verdictOn(delivery, call, outcome);
  }

  /** For a call under way. */
  outcome(last: LastCall, outcome: AttemptOutcome): void {
    try {
      this.#end(last, outcome, this.#verdictOf(last, outcome));
    } catch (error) {
      this.#options.life.fail(error);
    }
  }

  /** For a call under way: it has ended itself, so that its lane goes on. */
  settled({ delivery, call, isAbandoned }: LastCall): void {
    try {
      call.close();
      if (!isAbandoned) this.#settled(delivery);
    } catch (error) {
      this.#options.life.fail(error);
    }
  }

  /** The verdict on a delivery's last call. Its lane goes on when the call itself has ended. */
  #end(last: LastCall, outcome: AttemptOutcome, verdict: Verdict): void {
    const { delivery } = last;
    this.#conclude(delivery, verdict);
    if (outcome.kind === "abandoned") {
      last.isAbandoned = true;
      this.#settled(delivery);
    } else if (outcome.kind === "failed" && outcome.class === "timeout") this.#late.add(delivery);
  }

  #conclude(delivery: Delivery, verdict: Verdict): void {
    const { clock, partition, loans, seen } = this.#options;
    // The time is needed for waits only, and a completed delivery has none.
    const end = partition.outcomes.conclude(delivery, verdict, verdict.kind === "completed" ? delivery.startedMs : clock.monotonicMs());
    if (end !== null) loans.tell(delivery.loan!, end);
    if (verdict.kind === "completed" && delivery.loan === null && delivery.replay === null) seen.completed();
  }

  #finish(delivery: Delivery, verdict: Verdict): void {
    this.#conclude(delivery, verdict);
    this.#settled(delivery);
  }

  #settled(delivery: Delivery): void {
    const { spec, partition, pump } = this.#options;
    this.#late.remove(delivery);
    partition.schedule.settled(delivery);
    if (this.#onIdle !== null && !this.isBusy()) this.#onIdle();
    // Answers of several posts come in one turn of the event loop, each in a callback of its own: a look after each would take a tenth of a post.
    if (spec.endpoint === null) pump.callEnded(partition.schedule.running().length);
    else pump.endOfTurn();
  }
}

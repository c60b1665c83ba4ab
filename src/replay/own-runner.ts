import type { BorrowedLane } from "../delivery/partition/borrowed-lane.ts";
import { crashMessage, isCulprit, noEnds } from "../delivery/partition/ends.ts";
import type { Withdrawal } from "../delivery/partition/letter.ts";
import { noDeferrals } from "../delivery/policy/waits.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { isRepriseError, RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import type { Position, StoredEvent } from "../event/event.ts";
import { pause } from "../event/waits.ts";
import type { Ends } from "../records/attempt.ts";
import type { OwnOutcome } from "../records/replay.ts";
import type { ReplayItem } from "../records/replay-item.ts";
import { laneOf } from "./items.ts";
import { OutcomeWriter } from "./outcome-writer.ts";
import type { ItemEnd, JobRequest, Runner } from "./runner.ts";

export interface OwnRunnerOptions {
  readonly delivery: RunningHandlers;
  readonly clock: Clock;
  readonly request: JobRequest;
  readonly readEvent: (item: ReplayItem) => Promise<StoredEvent | undefined>;
  /** Append to the replay's stream, however long that takes. */
  readonly storeOutcomes: (outcomes: readonly OwnOutcome[]) => Promise<Position>;
  readonly storeStarted: (place: number, ends: Ends) => Promise<Position>;
  /** Items that were called when the process ended, without an outcome. */
  readonly suspects: ReadonlyMap<number, Ends>;
  /** The replay went on after an end of the process: what it starts first is recorded before it is called. */
  readonly resumed: boolean;
}

/** Calls after a restart that are recorded first: as many may have been under way. */
const cautiousCalls = 64;
/** Ends of the process while an item was called before it counts as failed. */
const maxCrashes = 3;
const goneAgainMs = 1000;

/**
 * Deliveries of a replay's own: of history, or to another handler. Each borrows the slot of its entity's lane, which stays borrowed until the entity's
 * last item, so that live events queue behind; outcomes are in the replay's stream only. An item that fails ends its entity in the replay.
 */
export function makeOwnRunner(options: OwnRunnerOptions): Runner {
  const { delivery, clock, request, readEvent, suspects } = options;
  const { replayId, reason, effects = "once", mode = "run" } = request;
  const lanes = new Map<string, BorrowedLane>();
  const writer = new OutcomeWriter(options.storeOutcomes);
  let withdrawn: Withdrawal | null = null;
  /** Ends the waits for retries. */
  let leave = new AbortController();
  let cautious = options.resumed ? cautiousCalls : 0;
  /** Suspects of two ends of the process run one at a time, so that only one can be the culprit. */
  let oneAtATime: Promise<unknown> = Promise.resolve();

  function laneFor(item: ReplayItem): BorrowedLane {
    const key = laneOf(item);
    const known = lanes.get(key);
    if (known !== undefined) return known;
    const lent = delivery.must(item.handler).replays.lend(item.lane, replayId);
    lanes.set(key, lent);
    return lent;
  }

  async function record(item: ReplayItem, outcome: OwnOutcome): Promise<void> {
    const { record, unknownOutcome } = delivery.find(item.handler)?.spec ?? {};
    const stored = writer.add(outcome);
    if (record === "each" || unknownOutcome === "escalate" || writer.full()) await stored;
    else stored.catch(() => {}); // `flushed` tells
  }

  async function fail(place: number, item: ReplayItem, attempts: number, { type, message }: { type: string; message: string }): Promise<ItemEnd> {
    await record(item, { item: place, outcome: "failed", attempts, error: { type, message } });
    return { outcome: "failed", position: 0n, error: { type, message } };
  }

  const wait = (ms: number): Promise<void> => pause(ms, clock, leave.signal);

  async function attempts(place: number, item: ReplayItem, event: StoredEvent): Promise<ItemEnd> {
    let deferred = noDeferrals;
    for (let attempt = 1; ; ) {
      if (withdrawn !== null) return { outcome: "withdrawn" };
      const verdict = await laneFor(item).call({ event, attempt, deferred, replay: { id: replayId, reason, mode, effects } });
      switch (verdict.kind) {
        case "completed":
        case "dropped": // by a step of the chain: there is nothing to deliver
          await record(item, { item: place, outcome: "succeeded", attempts: attempt, error: null });
          return { outcome: "succeeded", position: 0n };
        case "give_up":
          return fail(place, item, attempt, verdict.error);
        case "newer_build":
          return { outcome: "skipped", reason: "newer_build" };
        case "damaged":
          return fail(place, item, attempt, { type: "LogDamaged", message: verdict.detail });
        case "retry":
          // Cancelled: what runs is not tried again, and has failed.
          if (withdrawn === "stop") return fail(place, item, attempt, verdict.record.error ?? { type: "Error", message: "failed" });
          attempt++;
          await wait(verdict.waitMs);
          break;
        case "defer":
          deferred = verdict.deferrals;
          await wait(verdict.waitMs);
          break;
        case "put_back":
          if (withdrawn === null) await wait(goneAgainMs); // the receiver is gone: the handler is paused, and goes on some day
      }
    }
  }

  return {
    endsLane: "an earlier event of its entity failed",

    async run(place, item) {
      if (withdrawn === "pause") {
        withdrawn = null;
        leave = new AbortController();
      }
      const spec = delivery.find(item.handler)?.spec;
      if (spec === undefined) return { outcome: "skipped", reason: "its handler does not run here" };
      const ends = suspects.get(place);
      if (ends !== undefined && spec.unknownOutcome === "escalate")
        return fail(place, item, 1, { type: "UnknownOutcome", message: "the process ended while the handler was called; what it did is unknown" });
      if (ends !== undefined && isCulprit(ends, maxCrashes)) return fail(place, item, ends.crashes, { type: "ProcessCrash", message: crashMessage(ends) });
      const event = await readEvent(item);
      if (event === undefined) return { outcome: "skipped", reason: "event removed from the log" };
      if (ends !== undefined || cautious-- > 0 || spec.unknownOutcome === "escalate") {
        const before = oneAtATime;
        const { promise, resolve } = Promise.withResolvers<void>();
        if (ends !== undefined) oneAtATime = promise;
        if (ends !== undefined) await before;
        try {
          if (withdrawn !== null) return { outcome: "withdrawn" };
          await options.storeStarted(place, ends ?? noEnds);
          return await attempts(place, item, event);
        } finally {
          resolve();
        }
      }
      return attempts(place, item, event);
    },

    async withdraw(how) {
      withdrawn = how;
      leave.abort();
      for (const lent of lanes.values()) lent.takeBack();
    },

    leaveLane(item) {
      const key = laneOf(item);
      lanes.get(key)?.end();
      lanes.delete(key);
    },

    async passed() {},
    followers: () => 0,

    async flushed() {
      try {
        await writer.flushed();
      } catch (error) {
        throw isRepriseError(error) ? error : new RepriseError("LOG_UNAVAILABLE", "What came of a replay could not be stored.", { cause: error });
      }
    },
  };
}

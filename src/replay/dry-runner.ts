import type { Catalog } from "../catalog/catalog.ts";
import type { BorrowedLane } from "../delivery/partition/borrowed-lane.ts";
import type { LoanEnd } from "../delivery/partition/lane-loan.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { isRepriseError, RepriseError } from "../errors.ts";
import type { Position, StoredEvent } from "../event/event.ts";
import type { AttemptRecord } from "../records/attempt.ts";
import type { OwnOutcome } from "../records/replay.ts";
import type { ReplayItem } from "../records/replay-item.ts";
import { OutcomeWriter } from "./outcome-writer.ts";
import type { ItemEnd, JobRequest, Runner } from "./runner.ts";
import { eventRemoved, handlerAbsent } from "./why-left-alone.ts";

export interface DryRunnerOptions {
  readonly catalog: Catalog;
  readonly delivery: RunningHandlers;
  readonly request: JobRequest;
  readonly readEvent: (item: ReplayItem) => Promise<StoredEvent | undefined>;
  readonly storeOutcomes: (outcomes: readonly OwnOutcome[]) => Promise<Position>;
  /** Its items are dead letters, which may carry other data than the stored ones. */
  readonly amended: boolean;
}

/** A dry run's call is not recorded, and is never repeated. */
const unrecorded = { before: null, ends: null, recordFirst: false, record: null, onNotAlone: null };

/**
 * Takes a delivery up to the handler: the event is read and lifted, and there the dry run ends. Only handlers that declare `dryRun` are called, once, in
 * their entity's slot, and told that it is a dry run. Only the report is written, into the replay's stream.
 */
export function makeDryRunner({ catalog, delivery, request, readEvent, storeOutcomes, amended }: DryRunnerOptions): Runner {
  const { replayId, reason, effects = "once" } = request;
  const writer = new OutcomeWriter(storeOutcomes);
  const lent = new Set<BorrowedLane>();
  let withdrawn = false;

  async function end(outcome: OwnOutcome): Promise<ItemEnd> {
    const stored = writer.add(outcome);
    if (writer.full()) await stored;
    else stored.catch(() => {}); // `flushed` tells
    return outcome.error === null ? { outcome: "succeeded", position: 0n } : { outcome: "failed", position: 0n, error: outcome.error };
  }

  /** What comes of it without a call; null: its handler is to be called. The event is let go of, because 256 of them may wait for a slot. */
  async function endsUncalled(place: number, item: ReplayItem): Promise<ItemEnd | null> {
    const event = await readEvent(item);
    if (event === undefined) return { outcome: "skipped", reason: eventRemoved };
    const spec = delivery.find(item.handler)?.spec;
    if (spec === undefined) return { outcome: "skipped", reason: handlerAbsent };
    const lifted = catalog.current(event);
    if (!lifted.ok) {
      const { type, message } = lifted.error;
      return end({ item: place, outcome: "failed", attempts: 0, error: { type, message } });
    }
    if (lifted.dropped !== null || spec.definition.kind !== "function" || !spec.definition.dryRun)
      return end({ item: place, outcome: "succeeded", attempts: 0, error: null });
    return null;
  }

  return {
    endsLane: null,

    async run(place, item) {
      withdrawn = false;
      const uncalled = await endsUncalled(place, item);
      if (uncalled !== null) return uncalled;
      const slot = delivery.must(item.handler).replays.lend(item.lane, replayId);
      lent.add(slot);
      try {
        if (withdrawn) return { outcome: "withdrawn" };
        const about = { revision: item.revision, read: () => mustRead(readEvent, item), source: { item: place, amended } };
        const called = await slot.deliver({ ...about, replay: { id: replayId, reason, mode: "dry_run", effects }, ...unrecorded });
        const ended = endOf(place, called);
        return "item" in ended ? await end(ended) : ended;
      } catch (error) {
        if (isRepriseError(error, "NOT_FOUND")) return { outcome: "skipped", reason: eventRemoved };
        throw error;
      } finally {
        lent.delete(slot);
        slot.end();
      }
    },

    async withdraw() {
      withdrawn = true;
      for (const slot of lent) slot.takeBack("pause");
    },

    leaveLane() {},
    async passed() {},
    followers: () => 0,
    releasesLeft: () => 0,
    flushed: () => writer.flushed(),
  };
}

/** What a call came to: an outcome for the report, or an end without one. */
function endOf(item: number, called: LoanEnd): OwnOutcome | ItemEnd {
  switch (called.kind) {
    case "completed":
      return { item, outcome: "succeeded", attempts: 1, error: null, ...askedFor(called.record) };
    case "dropped":
      return { item, outcome: "succeeded", attempts: 1, error: null };
    case "withdrawn":
      return { outcome: "withdrawn" };
    case "newer_build":
      return { outcome: "skipped", reason: "newer_build" };
    case "damaged":
      return { outcome: "skipped", reason: `LOG_DAMAGED: ${called.detail}` };
    case "failed": {
      const { type, message } = called.error;
      return { item, outcome: "failed", attempts: called.attempts, error: { type, message } };
    }
  }
}

async function mustRead(readEvent: DryRunnerOptions["readEvent"], item: ReplayItem): Promise<StoredEvent> {
  const event = await readEvent(item);
  if (event === undefined) throw new RepriseError("NOT_FOUND", eventRemoved);
  return event;
}

function askedFor({ effects = [], appends = [] }: AttemptRecord): Pick<OwnOutcome, "effects" | "appends"> {
  return { ...(effects.length === 0 ? {} : { effects: effects.map(({ key }) => key) }), ...(appends.length === 0 ? {} : { appends }) };
}

import type { Catalog } from "../catalog/catalog.ts";
import type { BorrowedLane } from "../delivery/partition/borrowed-lane.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
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

  return {
    endsLane: null,

    async run(place, item) {
      withdrawn = false;
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
      const slot = delivery.must(item.handler).replays.lend(item.lane, replayId);
      lent.add(slot);
      try {
        if (withdrawn) return { outcome: "withdrawn" };
        const about = { revision: event.revision, read: async () => event, source: { item: place, amended } };
        const called = await slot.deliver({ ...about, replay: { id: replayId, reason, mode: "dry_run", effects }, ...unrecorded });
        switch (called.kind) {
          case "completed": {
            return await end({ item: place, outcome: "succeeded", attempts: 1, error: null, ...askedFor(called.record) });
          }
          case "dropped":
            return await end({ item: place, outcome: "succeeded", attempts: 1, error: null });
          case "withdrawn":
            return { outcome: "withdrawn" };
          case "newer_build":
            return { outcome: "skipped", reason: "newer_build" };
          case "damaged":
            return { outcome: "skipped", reason: `LOG_DAMAGED: ${called.detail}` };
          case "failed": {
            const { type, message } = called.error;
            return await end({ item: place, outcome: "failed", attempts: called.attempts, error: { type, message } });
          }
        }
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

function askedFor({ effects = [], appends = [] }: AttemptRecord): Pick<OwnOutcome, "effects" | "appends"> {
  return { ...(effects.length === 0 ? {} : { effects: effects.map(({ key }) => key) }), ...(appends.length === 0 ? {} : { appends }) };
}

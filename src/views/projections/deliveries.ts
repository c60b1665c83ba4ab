import { entityOf } from "../entity-keys.ts";
import type { Entry, Folding, Projection } from "../projection.ts";
import { inPartition } from "./checkpoints.ts";
import { deliveryCountTables } from "./delivery-counts.ts";
import { deadLettered, decided, failed, partCompleted, retired, settled } from "./delivery-ends.ts";
import { deliveryHistoryTable } from "./delivery-history.ts";
import { attached, byLane, completed, putBack, skipped } from "./delivery-retries.ts";
import { deliveryTables } from "./delivery-tables.ts";
import { letterCountTables } from "./letter-counts.ts";

/**
 * Deliveries that had trouble, dead letters among them, with their attempts. A delivery that completes at its first call has no row.
 * `letter` is 1 from the dead letter until its final outcome; its status is `failed` while a replay of it waits for a retry.
 */
export const deliveries: Projection<"journal" | "handler" | "replay"> = {
  takes: ["journal", "handler", "replay"],
  tables: deliveryTables + deliveryCountTables + letterCountTables + deliveryHistoryTable,
  apply(folding, input) {
    folding.lettersOfLane = 0;
    if (input.kind === "replay") {
      if (input.entry.type === "replay.ended") putBack(folding, "replay_id = ?", input.replayId);
      return;
    }
    if (input.kind === "handler" && input.entry.type === "handler.retired") {
      const { position, recordedAt } = input.event;
      retired(folding, { handler: input.handler, position: Number(position), recordedAt }, input.entry.data.act);
      return;
    }
    if (input.kind === "journal") applyJournal(folding, input);
  },
  settle({ db, latest }) {
    latest.letters.write(db);
    latest.deliveries.write(db);
  },
};

function applyJournal(folding: Folding, { entry, handler, event, place }: Extract<Entry, { readonly kind: "journal" }>): void {
  const { db } = folding;
  const at = { handler, journal: event.stream, position: Number(event.position), recordedAt: event.recordedAt };
  switch (entry.type) {
    case "partition.claimed": // a replay that was under way asks again
      putBack(folding, `handler = ? ${inPartition("deliveries.entity", place)}`, handler);
      return;
    case "replay.stopped":
      putBack(folding, `handler = ? and replay_id = ? ${inPartition("deliveries.entity", place)}`, handler, entry.data.replayId);
      return;
    case "progress":
      completed(folding, at, entry.data);
      return;
    case "lane.attached":
      attached(folding, at, [[entry.data.lane, entry.data.at]]);
      return;
    case "lane.gap":
      skipped(folding, at, entry.data);
      return;
    case "lane.retried":
      for (const [index, letter] of [
        [byLane, 0],
        ["indexed by letters_retried", 1],
      ] as const)
        db.run(
          `update deliveries ${index} set next_attempt_at = ? where entity = ? and handler = ? and status = 'failed' and letter = ${letter} and next_attempt_at > ?`,
          at.recordedAt,
          entityOf(db, entry.data.lane).id,
          handler,
          at.recordedAt,
        );
      return;
    case "delivery.part_completed":
      partCompleted(db, at, entry.data);
      return;
    case "delivery.failed":
      failed(folding, at, entry.data, entry.data.retryAt, 1);
      return;
    case "delivery.deferred":
      failed(folding, at, entry.data, entry.data.until, 0);
      return;
    case "delivery.dead_lettered":
      deadLettered(folding, at, entry.data);
      return;
    case "delivery.decided":
      decided(folding, at, entry.data);
      return;
    case "delivery.settled":
      settled(folding, at, entry.data);
  }
}

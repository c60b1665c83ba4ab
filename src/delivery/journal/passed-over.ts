import type { Position, StoredEvent } from "../../event/event.ts";
import { policyActor } from "../../event/names.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { JournalEvent } from "../../records/journal.ts";
import type { PartitionState } from "./state.ts";
import type { Wanted } from "./wanted.ts";

/** The most records in one append. */
const recordsAtOnce = 500;

/**
 * Skips events that a build has passed over. A newer build stored them under a new name of their type, while a build that did not know the name delivered.
 * They cannot be delivered now, behind events that came after them. So that none goes missing without a record, each is recorded as skipped, and an
 * operator may replay that part of the history.
 *
 * @param types the new names.
 * @param record appends to the journal.
 * @returns how many there are.
 */
export async function skipPassedOver(
  types: readonly string[],
  {
    log,
    state,
    wanted,
    record,
  }: {
    readonly log: EventLog;
    readonly state: PartitionState;
    readonly wanted: Wanted;
    readonly record: (events: readonly JournalEvent[]) => Promise<Position>;
  },
): Promise<number> {
  if (types.length === 0) return 0;
  const isPassed = ({ stream, revision, position }: StoredEvent): boolean => {
    const lane = state.lanes.get(stream);
    return lane === undefined ? position <= state.checkpoint : revision < lane.next;
  };
  let count = 0;
  let facts: JournalEvent[] = [];
  for await (const batch of log.readAll({ filter: { types } }))
    for (const event of batch) {
      if (!wanted.has(event) || !isPassed(event)) continue;
      const about = { lane: event.stream, revision: event.revision, at: event.position.toString(), eventId: event.id };
      const act = { actor: policyActor, reason: `stored as ${event.type} while a build delivered that did not know this name` };
      facts.push({ type: "delivery.settled", data: { ...about, outcome: "skipped", cause: null, act, record: null } });
      count++;
      if (facts.length < recordsAtOnce) continue;
      await record(facts);
      facts = [];
    }
  if (facts.length > 0) await record(facts);
  return count;
}

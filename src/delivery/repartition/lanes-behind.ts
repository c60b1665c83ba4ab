import type { Position } from "../../event/event.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { JournalEvent } from "../../records/journal.ts";
import type { PartitionState } from "../journal/state.ts";
import type { Wanted } from "../journal/wanted.ts";

type Detached = Extract<JournalEvent, { type: "lane.detached" }>;

export interface LanesBehindNeeds {
  readonly log: Pick<EventLog, "readAll">;
  readonly state: PartitionState;
  /** The stored types among which the wanted events are. */
  readonly types: readonly string[];
  /** Of this partition. */
  readonly wanted: Pick<Wanted, "has">;
  /** The place to which the checkpoint is to move. */
  readonly through: Position;
  /** So many of the first events that are not done may have been called before. */
  readonly readAhead: number;
}

/**
 * Detaches the lanes that would be passed over if the partition's checkpoint moved on to `through` as it is: those with events up to there that are not
 * done. Each reads its own stream from then on. So do those whose next event may have been called before: among the lanes of other partitions nobody would
 * know any more which these are.
 */
export async function* lanesBehind({ log, state, types, wanted, through, readAhead }: LanesBehindNeeds): AsyncGenerator<Detached> {
  const found = new Set<string>();
  let called = readAhead;
  for await (const batch of log.readAll({ after: state.checkpoint, filter: { types } }))
    for (const event of batch) {
      const { stream, revision, position } = event;
      if (position > through && called <= 0) return;
      const lane = state.lanes.get(stream);
      if (!wanted.has(event, lane !== undefined) || lane?.detached || (lane !== undefined && revision < lane.next)) continue;
      called--;
      if (found.has(stream)) continue;
      found.add(stream);
      const at = (lane?.at ?? 0n).toString();
      yield { type: "lane.detached", data: { lane: stream, next: lane?.next ?? revision, at, why: "divided" } };
    }
}

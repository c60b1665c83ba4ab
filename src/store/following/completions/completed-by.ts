/**
 * Which deliveries a record of a handler's journal says have completed (docs/rules.md, Journal). What completes at its first call has no record of its own:
 * a wanted event is done when its lane has passed it, or, in a lane that the subscription feeds, when the checkpoint has. It has completed unless it is a
 * dead letter, or a record gave it another outcome. So a record tells of the wanted events that are done after it and were not before it, but for the one
 * that it is about. Pure, and the same for whoever reads the journal from wherever: each completion belongs to one record.
 */
import { fold } from "../../../delivery/journal/fold.ts";
import type { PartitionState } from "../../../delivery/journal/state.ts";
import type { Position, StoredEvent } from "../../../event/event.ts";
import type { JournalEvent } from "../../../records/journal.ts";

export type Candidate = Pick<StoredEvent, "stream" | "revision" | "position" | "id" | "type">;

/** A run of a lane's events. */
export interface LaneReach {
  readonly lane: string;
  readonly from: number;
  /** Infinity: the position ends it. */
  readonly before: number;
  readonly beyond: Position;
  /** Null: any. */
  readonly through: Position | null;
}

/** The events among which those are that a record completes. */
export interface Reach {
  readonly lanes: readonly LaneReach[];
  /** Of the whole log, beyond a position and through another; null: none. */
  readonly log: { readonly beyond: Position; readonly through: Position } | null;
}

/** @param state before the record. */
export function reachOf(state: PartitionState, record: JournalEvent): Reach {
  const { checkpoint } = state;
  const lanes = movedBy(record).flatMap(([lane, before]): readonly LaneReach[] => {
    const known = state.lanes.get(lane);
    const isAttached = known?.detached !== true;
    // A lane that comes back to the subscription is as far as the checkpoint, which had passed it.
    if (before === Number.POSITIVE_INFINITY) return isAttached ? [] : [{ lane, from: known.next, before, beyond: 0n, through: checkpoint }];
    const from = known?.next ?? 0;
    return from < before ? [{ lane, from, before, beyond: isAttached ? checkpoint : 0n, through: null }] : [];
  });
  const through = record.type === "progress" ? BigInt(record.data.checkpoint) : 0n;
  return { lanes, log: through > checkpoint ? { beyond: checkpoint, through } : null };
}

/** The lanes that a record moves, and up to where. */
function movedBy({ type, data }: JournalEvent): readonly (readonly [lane: string, before: number])[] {
  switch (type) {
    case "progress":
      return [...(data.attached ?? []).map(([lane]) => [lane, Number.POSITIVE_INFINITY] as const), ...data.ahead.map(([lane, next]) => [lane, next] as const)];
    case "lane.detached":
    case "lane.paused":
      return [[data.lane, data.next]];
    case "lane.attached":
      return [[data.lane, Number.POSITIVE_INFINITY]];
    case "lane.gap":
      return [[data.lane, data.from]];
    case "delivery.failed":
    case "delivery.deferred":
    case "delivery.dead_lettered":
    case "delivery.settled":
      return [[data.lane, data.revision]];
    default:
      return [];
  }
}

/**
 * Folds the record into `state`.
 *
 * @param candidates the wanted events of the record's reach, each once.
 * @returns those that have completed, in their order.
 */
export function completedBy(state: PartitionState, record: JournalEvent, revision: number, candidates: readonly Candidate[]): readonly Candidate[] {
  const open = candidates.filter((event) => !isDone(state, event));
  fold(state, record, revision);
  return record.type === "partition.reset" ? [] : open.filter((event) => isDone(state, event));
}

function isDone({ lanes, checkpoint }: PartitionState, { stream, revision, position }: Candidate): boolean {
  const lane = lanes.get(stream);
  if (lane !== undefined && revision < lane.next) return true;
  return position <= checkpoint && lane?.detached !== true;
}

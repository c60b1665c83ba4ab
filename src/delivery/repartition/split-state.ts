/** What the partitions of a handler know, divided among others by the hash of each lane. Pure. */
import { partitionOf } from "../../event/partition-of.ts";
import { emptyState, type LaneRecord, type PartitionState } from "../journal/state.ts";

export interface OldPartition {
  readonly journal: string;
  /** Revision of the journal's last event. */
  readonly revision: number;
  /** All of them have the same checkpoint. */
  readonly state: PartitionState;
}

/**
 * @param types stored types of which all old ones have known that they are wanted. A handler's only partition keeps no such list.
 * @returns the states of the new partitions, in order.
 */
export function splitStates(old: readonly OldPartition[], into: number, types: readonly string[]): readonly PartitionState[] {
  const [first, ...others] = old.map(({ state }) => state);
  if (first === undefined || others.some(({ checkpoint }) => checkpoint !== first.checkpoint)) throw new Error("the old partitions stand at different places");
  const states = Array.from({ length: into }, (): PartitionState => {
    const state = emptyState();
    state.checkpoint = first.checkpoint;
    state.clean = old.every((each) => each.state.clean);
    // Of several, what may have been called before is detached by now; an only one hands its window on as it is.
    state.readAhead = others.length === 0 ? first.readAhead : 0;
    state.epochBase = 1 + old.reduce((most, each) => Math.max(most, each.state.epochBase + each.revision), 0);
    state.types = into === 1 ? null : types;
    return state;
  });
  const stateOf = (lane: string) => states[partitionOf(lane, into)]!;
  for (const { journal, state } of old) {
    for (const [lane, record] of state.lanes) {
      stateOf(lane).lanes.set(lane, moved(record, journal));
      if (!record.detached) stateOf(lane).attached.add(lane);
    }
    for (const [lane, revisions] of state.started) stateOf(lane).started.set(lane, new Map(revisions));
    for (const [lane, revisions] of state.parts) stateOf(lane).parts.set(lane, new Map(revisions));
  }
  return states;
}

/** The data of amendments stay in the journal in which they are. */
function moved(record: LaneRecord, journal: string): LaneRecord {
  const letters = Array.from(record.letters, ([revision, letter]) => {
    const amended = letter.amended && { journal, ...letter.amended };
    return [revision, { ...letter, amended }] as const;
  });
  return { ...record, letters: new Map(letters) };
}

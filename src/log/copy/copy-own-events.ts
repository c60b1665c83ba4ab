/**
 * Reprise's own events in another log: journals, handlers and replays name events of entities by position, and positions are each log's own. Pure.
 * The list is closed: an event of ours that is not in it may hold a position, and would be wrong in the copy without anyone noticing.
 */
import { RepriseError } from "../../errors.ts";
import type { Json, StoredEvent } from "../../event/event.ts";

type Data = { readonly [member: string]: Json };

/** The values that a copy changes in Reprise's own events. */
export interface OwnEventRules {
  /** A position of the source, as text → that of the same event in the target. */
  position(source: Json | undefined): string;
  /** False for the stream of an entity that is not copied. */
  keeps(lane: Json | undefined): boolean;
  /** Revision of an amendment in the journal that is copied → its revision in the target's, where the journal may have closed up. */
  amendment(journal: string, revision: Json | undefined): number;
}

type Rewrite = (data: Data, rules: OwnEventRules, stream: string) => Data | null;

const asIs: Rewrite = (data) => data;
const aboutLane: Rewrite = (data, { keeps }) => (keeps(data.lane) ? data : null);
const aboutEvent: Rewrite = (data, { keeps, position }) => (keeps(data.lane) ? { ...data, at: position(data.at) } : null);

const listOf = (value: Json | undefined): readonly Data[] => (Array.isArray(value) ? (value as readonly Data[]) : []);
const each = (value: Json | undefined, rewrite: Rewrite, rules: OwnEventRules, stream: string): readonly Data[] =>
  listOf(value)
    .map((item) => rewrite(item, rules, stream))
    .filter((item) => item !== null);

const lane: Rewrite = (data, rules, stream) => {
  const moved = aboutEvent(data, rules, stream);
  const amended = (value: Json | undefined): Data =>
    value === undefined ? {} : { amended: { ...(value as Data), revision: rules.amendment(journalOf(value as Data), (value as Data).revision) } };
  const journalOf = ({ journal = stream }: Data): string => journal as string; // of a handler that was divided anew, another one
  const letter = (one: Data): Data => ({ ...one, at: rules.position(one.at), ...amended(one.amended) });
  return moved && { ...moved, letters: listOf(data.letters).map(letter) };
};

/** Rows that begin with a lane. @param place of the position in each. */
const rowsOf = (value: Json | undefined, place: number, { keeps, position }: OwnEventRules): readonly (readonly Json[])[] =>
  (value as readonly (readonly Json[])[]).filter(([lane]) => keeps(lane)).map((row) => row.with(place, position(row[place])));

const progress: Rewrite = (data, rules, stream) => ({
  ...data,
  checkpoint: rules.position(data.checkpoint),
  ahead: rowsOf(data.ahead, 2, rules),
  ...(data.completed === undefined ? {} : { completed: each(data.completed, aboutEvent, rules, stream) }),
  ...(data.attached === undefined ? {} : { attached: rowsOf(data.attached, 1, rules) }),
  ...(data.started === undefined ? {} : { started: rowsOf(data.started, 2, rules) }),
});

const letters: Rewrite = (data, rules) => {
  const kept = rowsOf(data.letters, 2, rules);
  return kept.length === 0 ? null : { ...data, letters: kept };
};

const snapshot: Rewrite = (data, rules, stream) => ({
  ...data,
  checkpoint: rules.position(data.checkpoint),
  lanes: each(data.lanes, lane, rules, stream),
  started: each(data.started, aboutEvent, rules, stream),
  ...(data.partsDone === undefined ? {} : { partsDone: each(data.partsDone, aboutEvent, rules, stream) }),
});

const configured: Rewrite = (data, { position }) => {
  const moved = (since: Json | undefined) => Object.fromEntries(Object.entries(since as Data).map(([type, at]) => [type, position(at)]));
  return { ...data, types: moved(data.types), ...(data.stored === undefined ? {} : { stored: moved(data.stored) }) };
};

const items: Rewrite = (data, rules, stream) => ({ ...data, items: each(data.items, aboutEvent, rules, stream) });

const cutoff: Rewrite = (data, { position }) => (data.cutoff === undefined ? data : { ...data, cutoff: position(data.cutoff) });

/** Every type of Reprise's own events (records/journal.ts), and the members that hold positions and lanes. */
export const ownEventRewrites = {
  "partition.claimed": asIs,
  "partition.wants": asIs,
  "partition.released": asIs,
  "partition.closed": asIs,
  "partition.reset": (data, { position }) => ({ ...data, checkpoint: position(data.checkpoint) }),
  progress,
  "lane.detached": aboutEvent,
  "lane.attached": aboutEvent,
  "lane.paused": aboutEvent,
  "lane.resumed": aboutLane,
  "lane.retried": aboutLane,
  "lane.gap": aboutLane,
  "delivery.started": aboutEvent,
  "delivery.part_completed": aboutEvent,
  "delivery.failed": aboutEvent,
  "delivery.deferred": aboutEvent,
  "delivery.dead_lettered": aboutEvent,
  "delivery.settled": aboutEvent,
  "letters.replayed": letters,
  "delivery.amended": aboutEvent,
  "delivery.decided": aboutEvent,
  "delivery.noticed": aboutEvent,
  "act.done": asIs,
  "act.refused": asIs,
  "act.asked": () => null,
  "act.withdrawn": () => null,
  "replay.stopped": asIs,
  snapshot,
  "handler.configured": configured,
  "handler.repartitioning": asIs,
  "handler.repartition_withdrawn": asIs,
  "handler.paused": asIs,
  "handler.resumed": asIs,
  "handler.retired": (data, { position }) => ({ ...data, at: position(data.at) }),
  "handler.repaired": asIs,
  "integration.opened": asIs,
  "integration.closed": asIs,
  "integration.gated": asIs,
  "integration.trial_begun": asIs,
  "integration.trial_ended": asIs,
  "integration.isolated": asIs,
  "integration.reset": asIs,
  "error_group.resolved": asIs,
  "error_group.ignored": asIs,
  "error_group.reopened": asIs,
  "alert.changed": asIs,
  "alert.told": asIs,
  "replay.requested": cutoff,
  "replay.claimed": asIs,
  "replay.items": items,
  "replay.pausing": asIs,
  "replay.paused": asIs,
  "replay.resumed": asIs,
  "replay.rate_changed": asIs,
  "replay.cancelling": asIs,
  "replay.stopping": asIs,
  "replay.canary_passed": asIs,
  "replay.started": asIs,
  "replay.outcomes": asIs,
  "replay.ended": asIs,
  "effect.recorded": aboutLane,
  "plan.made": cutoff,
  "plan.used": (data, rules, stream) => ({ ...data, job: cutoff(data.job as Data, rules, stream) }),
  "views.rebuild_requested": asIs,
  "archive.restoring": asIs,
  "archive.restored": (data, { position }) => ({ ...data, through: position(data.through) }),
  "event.restored": aboutLane,
} satisfies Record<string, Rewrite>;

/** @throws LOG_NEWER for a type that this build does not know. */
export function checkOwnEvent({ type, stream, revision }: StoredEvent): void {
  if (!Object.hasOwn(ownEventRewrites, type))
    throw new RepriseError("LOG_NEWER", `${stream} has a "${type}" at revision ${revision}, which this build does not know how to copy.`);
}

/**
 * The data with the target's positions; null when it is only about an entity that is not copied.
 *
 * @throws JOURNAL_DAMAGED
 */
export function rewriteOwnEvent({ type, data, stream, revision }: StoredEvent, rules: OwnEventRules): Json | null {
  try {
    return (ownEventRewrites as Readonly<Record<string, Rewrite>>)[type]!(data as Data, rules, stream);
  } catch (cause) {
    throw new RepriseError("JOURNAL_DAMAGED", `${stream} has a "${type}" at revision ${revision} that does not read as one.`, { cause });
  }
}

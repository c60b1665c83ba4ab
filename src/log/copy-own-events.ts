/**
 * Reprise's own events in another log: journals, handlers and replays name events of entities by position, and positions are each log's own. Pure.
 * The list is closed: an event of ours that is not in it may hold a position, and would be wrong in the copy without anyone noticing.
 */
import { RepriseError } from "../errors.ts";
import type { Json, StoredEvent } from "../event/event.ts";

type Data = { readonly [member: string]: Json };

/** What a copy changes in Reprise's own events. */
export interface OwnEventRules {
  /** A position of the source, as text → that of the same event in the target. */
  position(source: Json | undefined): string;
  /** False for the stream of an entity that is not copied. */
  keeps(lane: Json | undefined): boolean;
}

type Rewrite = (data: Data, rules: OwnEventRules) => Data | null;

const asIs: Rewrite = (data) => data;
const aboutLane: Rewrite = (data, { keeps }) => (keeps(data.lane) ? data : null);
const aboutEvent: Rewrite = (data, { keeps, position }) => (keeps(data.lane) ? { ...data, at: position(data.at) } : null);

const listOf = (value: Json | undefined): readonly Data[] => (Array.isArray(value) ? (value as readonly Data[]) : []);
const each = (value: Json | undefined, rewrite: Rewrite, rules: OwnEventRules): readonly Data[] =>
  listOf(value)
    .map((item) => rewrite(item, rules))
    .filter((item) => item !== null);

const lane: Rewrite = (data, rules) => {
  const moved = aboutEvent(data, rules);
  return moved && { ...moved, letters: listOf(data.letters).map((letter): Data => ({ ...letter, at: rules.position(letter.at) })) };
};

const progress: Rewrite = (data, rules) => ({
  ...data,
  checkpoint: rules.position(data.checkpoint),
  ahead: (data.ahead as readonly (readonly [string, number, string])[])
    .filter(([stream]) => rules.keeps(stream))
    .map(([stream, next, at]) => [stream, next, rules.position(at)] as const),
  ...(data.completed === undefined ? {} : { completed: each(data.completed, aboutEvent, rules) }),
});

const snapshot: Rewrite = (data, rules) => ({
  ...data,
  checkpoint: rules.position(data.checkpoint),
  lanes: each(data.lanes, lane, rules),
  started: each(data.started, aboutEvent, rules),
});

const configured: Rewrite = (data, { position }) => ({
  ...data,
  types: Object.fromEntries(Object.entries(data.types as Data).map(([type, since]) => [type, position(since)])),
});

const items: Rewrite = (data, rules) => ({ ...data, items: each(data.items, aboutEvent, rules) });

const cutoff: Rewrite = (data, { position }) => (data.cutoff === undefined ? data : { ...data, cutoff: position(data.cutoff) });

/** Every type of Reprise's own events (delivery/journal-events.ts), and where it has positions and lanes. */
export const ownEventRewrites = {
  "partition.claimed": asIs,
  "partition.released": asIs,
  progress,
  "lane.detached": aboutEvent,
  "lane.attached": aboutEvent,
  "lane.gap": aboutLane,
  "delivery.started": aboutEvent,
  "delivery.failed": aboutEvent,
  "delivery.deferred": aboutEvent,
  "delivery.dead_lettered": aboutEvent,
  "delivery.settled": aboutEvent,
  "replay.stopped": asIs,
  snapshot,
  "handler.configured": configured,
  "handler.paused": asIs,
  "handler.resumed": asIs,
  "replay.requested": cutoff,
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
  "plan.made": cutoff,
  "plan.used": (data, rules) => ({ ...data, job: cutoff(data.job as Data, rules) }),
  "views.rebuild_requested": asIs,
} satisfies Record<string, Rewrite>;

/** @throws LOG_NEWER for a type that this build does not know. */
export function checkOwnEvent({ type, stream, revision }: StoredEvent): void {
  if (!Object.hasOwn(ownEventRewrites, type))
    throw new RepriseError("LOG_NEWER", `${stream} has a "${type}" at revision ${revision}, which this build does not know how to copy.`);
}

/**
 * The data as it is right in the target; null when it is only about an entity that is not copied.
 *
 * @throws JOURNAL_DAMAGED
 */
export function rewriteOwnEvent({ type, data, stream, revision }: StoredEvent, rules: OwnEventRules): Json | null {
  try {
    return (ownEventRewrites as Readonly<Record<string, Rewrite>>)[type]!(data as Data, rules);
  } catch (cause) {
    throw new RepriseError("JOURNAL_DAMAGED", `${stream} has a "${type}" at revision ${revision} that does not read as one.`, { cause });
  }
}

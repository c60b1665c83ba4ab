/** The events of an append by entity: each entity's are appended together, and stand or fall together. */
import { isLogTrouble, RepriseError } from "../../errors.ts";
import type { Entity, NewEvent } from "../../event/event.ts";
import { streamName } from "../../event/names.ts";
import type { Turns } from "../../event/turns.ts";
import { appendTooLarge, encodeAppend } from "../../log/append-rules.ts";
import { type AppendedEvent, type EventLog, type ExpectedRevision, maxAppendBytes } from "../../log/event-log.ts";
import type { Asked } from "./accept.ts";
import { type Known, sameContent } from "./append-known.ts";
import type { Place } from "./append-queue.ts";

/** The events of one entity, each id once. */
export interface Group {
  readonly stream: string;
  readonly entity: Entity;
  readonly events: NewEvent[];
}

/** @throws EVENT_ID_REUSED for an id that is there twice with different content; with the same content it is one event. */
export function groupByEntity({ inputs, tenant, places }: Asked, events: readonly NewEvent[]): readonly Group[] {
  const groups = new Map<string, Group>();
  const firsts = new Map<string, { readonly event: NewEvent; readonly stream: string }>();
  for (const [index, event] of events.entries()) {
    const { entity } = inputs[index]!;
    const stream = streamName(tenant, entity);
    const first = firsts.get(event.id);
    if (first !== undefined) {
      if (first.stream === stream && sameContent(first.event, event)) continue;
      const errors = [{ pointer: places.event(index, "/id"), detail: "Names another event of this request already." }];
      throw new RepriseError("EVENT_ID_REUSED", `Event id ${event.id} names two different events of the request.`, { errors });
    }
    firsts.set(event.id, { event, stream });
    const group = groups.get(stream);
    if (group === undefined) groups.set(stream, { stream, entity, events: [event] });
    else group.events.push(event);
  }
  return [...groups.values()];
}

/**
 * @param bytesOf what the data of each event takes at least; small ones are left out.
 * @throws APPEND_TOO_LARGE when one of the groups is.
 */
export async function mustFit(groups: readonly Group[], bytesOf: ReadonlyMap<unknown, number>, turns: Turns): Promise<void> {
  // A group that is already known to be too large is not encoded, because that may take as long as a request may hold the thread.
  if (bytesOf.size > 0)
    for (const { stream, events } of groups) {
      const bytes = events.reduce((sum, { data }) => sum + (bytesOf.get(data) ?? 0), 0);
      if (bytes > maxAppendBytes) throw appendTooLarge(stream, bytes);
    }
  if (groups.length === 1) return; // measured by the log itself
  // With several groups the last must not fail when the first is stored.
  for (const { stream, events } of groups) {
    if (turns.due()) await turns.next();
    encodeAppend(stream, events, "any");
  }
}

/**
 * True when the log holds all events of the group.
 *
 * @throws EVENT_ID_REUSED when it holds some of them, or one of the ids with other content.
 */
export function isKnown({ stream, entity, events }: Group, known: ReadonlyMap<string, Known>): boolean {
  let count = 0;
  for (const event of events) {
    const before = known.get(event.id);
    if (before === undefined) continue;
    if (before.stream !== stream || !before.same) throw new RepriseError("EVENT_ID_REUSED", `Event id ${event.id} is stored already, with other content.`);
    count++;
  }
  if (count > 0 && count < events.length)
    throw new RepriseError(
      "EVENT_ID_REUSED",
      `Of the ${events.length} events of ${entity.type} "${entity.id}", ${count} are stored already and the others are not.`,
    );
  return count > 0;
}

/** Groups handed to the log at once, in their order: together they share a commit (40,000 events/s of as many entities; one after another 2,500). */
const groupsAtOnce = 64;

interface Storing {
  readonly groups: readonly Group[];
  readonly expected: ExpectedRevision;
  /** All events of the request, in their order. */
  readonly all: readonly NewEvent[];
  readonly turns: Turns;
  readonly place: Place;
}

/** Appends the groups in their order, once the appends before this one are with the log. */
export async function storeGroups(log: Pick<EventLog, "append">, { groups, expected, all, turns, place }: Storing): Promise<readonly AppendedEvent[]> {
  const stored: AppendedEvent[] = [];
  const before = place.before();
  if (before !== null) await before;
  for (let from = 0; from < groups.length; from += groupsAtOnce) {
    const appends: Promise<readonly AppendedEvent[]>[] = [];
    for (const group of groups.slice(from, from + groupsAtOnce)) {
      if (turns.due()) await turns.next();
      const append = appendGroup(log, group, expected, all);
      append.catch(() => {}); // looked at when all of them are on their way
      appends.push(append);
    }
    place.leave();
    for (const answer of await Promise.allSettled(appends)) {
      if (answer.status === "rejected") throw answer.reason;
      for (const appended of answer.value) stored.push(appended);
    }
  }
  return stored;
}

/** Appends one entity's events. @throws what the log throws; its troubles with the ids of all events of the request. */
async function appendGroup(
  log: Pick<EventLog, "append">,
  group: Group,
  expected: ExpectedRevision,
  all: readonly NewEvent[],
): Promise<readonly AppendedEvent[]> {
  try {
    return await log.append(group.stream, group.events, expected);
  } catch (error) {
    throw withEventIds(error, all);
  }
}

/** The log's troubles with the ids of all events of the request; any other error as it is. */
export function withEventIds(error: unknown, all: readonly Pick<NewEvent, "id">[]): unknown {
  if (!isLogTrouble(error)) return error;
  return new RepriseError(error.code, error.message, {
    cause: error,
    fields: { ...error.fields, eventIds: all.map(({ id }) => id) },
    ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }),
  });
}

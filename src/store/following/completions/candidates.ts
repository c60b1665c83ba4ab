/** Reads the events that a record of a journal may have passed. */
import type { StoredEvent } from "../../../event/event.ts";
import type { EventLog } from "../../../log/event-log.ts";
import type { Candidate, LaneReach, Reach } from "./completed-by.ts";

/** A record passes a few events of a lane, and some hundreds of the log. */
const firstOfLane = 4;
const mostOfLane = 500;
const logAtOnce = 256;

export interface Wants {
  /** The stored types that may be wanted. */
  readonly types: readonly string[];
  /** No event up to here is wanted. */
  readonly since: bigint;
  readonly event: (event: StoredEvent) => boolean;
}

/** @returns the wanted ones, each once, in log order. */
export async function candidatesIn({ lanes, log: range }: Reach, wants: Wants, log: Pick<EventLog, "readStream" | "readAll">): Promise<readonly Candidate[]> {
  const found = new Map<bigint, Candidate>();
  const take = (event: StoredEvent): void => {
    const { stream, revision, position, id, type } = event;
    if (wants.event(event)) found.set(position, { stream, revision, position, id, type });
  };
  for (const each of lanes) for await (const event of ofLane(each, log)) take(event);
  if (range !== null) for await (const event of ofLog(range, wants, log)) take(event);
  return [...found.values()].sort((a, b) => (a.position < b.position ? -1 : 1));
}

function ofLane(reach: LaneReach, log: Pick<EventLog, "readStream">): AsyncGenerator<StoredEvent> {
  return reach.beyond === 0n ? forward(reach, log) : backward(reach, log);
}

async function* forward({ lane, from, before, through }: LaneReach, log: Pick<EventLog, "readStream">): AsyncGenerator<StoredEvent> {
  let next = from;
  for (let limit = firstOfLane; next < before; limit = Math.min(4 * limit, mostOfLane)) {
    let read = 0;
    for await (const batch of log.readStream(lane, { from: next, limit: Math.min(limit, before - next) }))
      for (const event of batch) {
        if (event.revision >= before || (through !== null && event.position > through)) return;
        yield event;
        next = event.revision + 1;
        read++;
      }
    if (read < limit) return;
  }
}

/** From the last one: which is the first, only the position says. */
async function* backward({ lane, from, before, beyond }: LaneReach, log: Pick<EventLog, "readStream">): AsyncGenerator<StoredEvent> {
  let next = before - 1;
  for (let limit = firstOfLane; next >= from; limit = Math.min(4 * limit, mostOfLane)) {
    let read = 0;
    for await (const batch of log.readStream(lane, { from: next, direction: "backward", limit }))
      for (const event of batch) {
        if (event.revision < from || event.position <= beyond) return;
        yield event;
        next = event.revision - 1;
        read++;
      }
    if (read < limit) return;
  }
}

async function* ofLog({ beyond, through }: NonNullable<Reach["log"]>, { types, since }: Wants, log: Pick<EventLog, "readAll">): AsyncGenerator<StoredEvent> {
  if (types.length === 0) return;
  for (let after = beyond > since ? beyond : since; after < through; ) {
    let read = 0;
    for await (const batch of log.readAll({ after, filter: { types }, limit: logAtOnce }))
      for (const event of batch) {
        if (event.position > through) return;
        yield event;
        after = event.position;
        read++;
      }
    if (read < logAtOnce) return;
  }
}

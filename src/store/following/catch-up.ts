/** A reader that is behind reads the log by itself, no faster than it takes the messages, until it is as far as the others. */
import type { Clock } from "../../event/clock.ts";
import type { StoredEvent } from "../../event/event.ts";
import { journalPrefix } from "../../event/names.ts";
import { makeTurns, type Turns } from "../../event/turns.ts";
import { within } from "../../event/waits.ts";
import type { EventLog, SubscriptionBatch } from "../../log/event-log.ts";
import type { Completions } from "./completions/completions.ts";
import type { ReadSlots } from "./read-slots.ts";
import type { Reader } from "./reader.ts";
import type { SharedTail } from "./shared-tail.ts";
import type { Teller } from "./teller.ts";
import { filterOf } from "./wanted.ts";

/** A reader that takes nothing for so long gives its slot, and with it the batch, to another one; it reads on from its place later. */
const blockedMs = 50;

export interface CatchUpNeeds {
  readonly log: Pick<EventLog, "subscribe">;
  readonly teller: Teller;
  readonly tail: SharedTail;
  readonly slots: ReadSlots;
  readonly clock: Clock;
}

interface ReadOnNeeds extends CatchUpNeeds {
  readonly completions: Completions;
}

/** Resolves when the reader has joined the others, or `signal` was aborted. @throws LOG_BEHIND_CHECKPOINT when the log does not have its place. */
export async function catchUp(reader: Reader, needs: CatchUpNeeds, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await reader.drained();
    if (needs.tail.position !== null && needs.tail.join(reader)) return;
    const slot = await needs.slots.take(reader, signal);
    if (slot === null) return;
    let resting = false;
    try {
      if (await readOn(reader, { ...needs, completions: slot.completions }, signal)) return;
      resting = !signal.aborted;
    } finally {
      slot.giveBack(resting);
    }
  }
}

/** @returns whether the reader has joined the others; false when it takes nothing just now. */
async function readOn(reader: Reader, needs: ReadOnNeeds, signal: AbortSignal): Promise<boolean> {
  const { log, tail } = needs;
  const { wanted } = reader;
  const filter = filterOf(wanted);
  const dataOf = (stream: string): boolean => wanted.events || stream.startsWith(journalPrefix);
  for await (const batch of log.subscribe({ after: reader.reached, signal, dataOf, ...(filter === undefined ? {} : { filter }) })) {
    if (!(await takeAll(reader, batch, needs, signal))) return false;
    if (batch.live && tail.join(reader)) return true;
  }
  return false;
}

async function takeAll(reader: Reader, { events, position }: SubscriptionBatch, needs: ReadOnNeeds, signal: AbortSignal): Promise<boolean> {
  const turns = makeTurns();
  for (const event of events) {
    await takeOne(reader, event, needs, turns);
    if (signal.aborted) return false;
    if (reader.isBlocked && !(await drainsSoon(reader, needs.clock, signal))) return false;
  }
  reader.take(position, []);
  return true;
}

async function takeOne(reader: Reader, event: StoredEvent, { teller, completions }: ReadOnNeeds, turns: Turns): Promise<void> {
  if (turns.due()) await turns.next();
  const told = teller.tell(event, [reader], completions);
  reader.take(event.position, told instanceof Promise ? await told : told);
}

function drainsSoon(reader: Reader, clock: Clock, signal: AbortSignal): Promise<boolean> {
  return within(
    reader.drained().then(() => true),
    blockedMs,
    clock,
    () => false,
    signal,
  );
}

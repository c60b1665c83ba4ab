/**
 * The stream of a replay, `reprise.replay-<id>`: what was asked, the items (or the plan that has them), the acts, the end. It is the replay's memory, from
 * which it goes on after an end of the process, and its audit.
 */
import { recordAct } from "../delivery/journal/record-act.ts";
import { isLogTrouble } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import type { NewEvent, Position } from "../event/event.ts";
import type { NewId } from "../event/ids.ts";
import { planStream, replayStream } from "../event/names.ts";
import { backOff } from "../event/waits.ts";
import type { AppendedEvent, EventLog, ExpectedRevision } from "../log/event-log.ts";
import { ownEvent } from "../records/own-event.ts";
import type { ReplayEntry, ReplayRequested, ReplayStreamData } from "../records/replay.ts";
import type { ReplayItem } from "../records/replay-item.ts";
import { appendAll, partsOf } from "./items.ts";
import { emptyReplay, foldReplay, type StoredReplay } from "./job-progress.ts";

/** Writes the stream of one replay. */
export interface ReplayRecord {
  /** Appends, or fails: then nothing is stored. */
  append<Type extends keyof ReplayStreamData>(type: Type, data: ReplayStreamData[Type]): Promise<Position>;
  /** Appends the same event until it is stored, however long that takes. @throws LOG_UNAVAILABLE when the service stops. */
  persist<Type extends keyof ReplayStreamData>(type: Type, data: ReplayStreamData[Type]): Promise<Position>;
}

/** A replay as its stream tells it. */
export interface ReadReplay {
  readonly replayId: string;
  readonly stored: StoredReplay;
  /** Revision of the last event; −1: there is none. */
  readonly last: number;
  /** Its position. */
  readonly at: Position;
}

export interface ReplayStream {
  /** Writes the stream of this replay. */
  of(replayId: string): ReplayRecord;
  /**
   * Records what was asked for. The replay is in force with the first append: the rest is then recorded however long that takes.
   *
   * @param inForce its plan has put it in force already.
   */
  request(data: ReplayRequested, items: readonly ReplayItem[], inForce: boolean): Promise<{ readonly position: Position; readonly revision: number }>;
  read(replayId: string): Promise<ReadReplay>;
  /** Takes in what was written since. */
  readOn(replay: ReadReplay): Promise<ReadReplay>;
  /** Appends behind what was read, or not at all. @throws REVISION_CONFLICT when somebody else was faster, LOG_UNAVAILABLE, LOG_FULL */
  appendBehind<Type extends keyof ReplayStreamData>(replay: ReadReplay, type: Type, data: ReplayStreamData[Type]): Promise<AppendedEvent>;
  /** Items of a replay in their order, from a place on, also of one that runs a plan. */
  items(replayId: string, from: number, limit: number): Promise<readonly ReplayItem[]>;
}

export interface ReplayStreamNeeds {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly newId: NewId;
  /** Aborted when the service stops. */
  readonly signal: AbortSignal;
}

const waits = { firstMs: 100, lastMs: 2000 };

export function makeReplayStream({ log, clock, newId, signal }: ReplayStreamNeeds): ReplayStream {
  async function append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<AppendedEvent> {
    return recordAct({ log, clock, signal }, { stream, events, expected });
  }

  async function persist(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<AppendedEvent> {
    for (let failures = 0; ; failures++) {
      try {
        return (await log.append(stream, events, expected)).at(-1)!;
      } catch (error) {
        if (!isLogTrouble(error) || signal.aborted) throw error;
        await backOff(failures, waits, clock, signal);
      }
    }
  }

  async function readOn({ replayId, stored, ...known }: ReadReplay): Promise<ReadReplay> {
    let { last, at } = known;
    for await (const batch of log.readStream(replayStream(replayId), { from: last + 1 }))
      for (const { type, data, revision, position } of batch) {
        foldReplay(stored, { type, data } as unknown as ReplayEntry);
        [last, at] = [revision, position];
      }
    return { replayId, stored, last, at };
  }

  return {
    of(replayId) {
      const stream = replayStream(replayId);
      return {
        append: async (type, data) => (await append(stream, [ownEvent(newId, type, data)], "any")).position,
        persist: async (type, data) => (await persist(stream, [ownEvent(newId, type, data)], "any")).position,
      };
    },

    async request(data, items, inForce) {
      const events = [ownEvent(newId, "replay.requested", data), ...(await partsOf(newId, items))];
      return appendAll(
        (stream, part, expected) => (expected === "none" && !inForce ? append(stream, part, expected) : persist(stream, part, expected)),
        replayStream(data.replayId),
        events,
      );
    },

    read: (replayId) => readOn({ replayId, stored: emptyReplay(), last: -1, at: 0n }),
    readOn,

    appendBehind: ({ replayId, last }, type, data) => append(replayStream(replayId), [ownEvent(newId, type, data)], last === -1 ? "none" : last),

    async items(replayId, from, limit) {
      const planId = await planOf(log, replayId);
      const items: ReplayItem[] = [];
      let place = 0;
      // A plan's stream has its items in events of the same type.
      for await (const { type, data } of entriesOf(log, planId === undefined ? replayStream(replayId) : planStream(planId))) {
        if (type !== "replay.items") continue;
        for (const item of data.items.slice(Math.max(0, from - place))) items.push(item);
        place += data.items.length;
        if (items.length >= limit) return items.slice(0, limit);
      }
      return items;
    },
  };
}

async function* entriesOf(log: EventLog, stream: string, limit?: number): AsyncGenerator<ReplayEntry> {
  for await (const batch of log.readStream(stream, limit === undefined ? {} : { limit }))
    for (const { type, data } of batch) yield { type, data } as unknown as ReplayEntry;
}

async function planOf(log: EventLog, replayId: string): Promise<string | undefined> {
  for await (const { type, data } of entriesOf(log, replayStream(replayId), 1)) if (type === "replay.requested") return data.planId;
  return undefined;
}

/** Lanes of this instance's partitions that replays at other instances have borrowed: their deliveries of history, of dry runs, and to another handler run here. */
import { RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import type { StoredEvent } from "../../event/event.ts";
import type { NewId } from "../../event/ids.ts";
import { replayStream } from "../../event/names.ts";
import type { EventLog } from "../../log/event-log.ts";
import { readEvent } from "../../log/read-event.ts";
import type { Ends } from "../../records/attempt.ts";
import { ownEvent } from "../../records/own-event.ts";
import type { ReplayStreamData } from "../../records/replay.ts";
import type { Dispatcher } from "../dispatcher/dispatcher.ts";
import type { BorrowedLane } from "../partition/borrowed-lane.ts";
import { noEnds, withEnd } from "../partition/ends.ts";
import type { Withdrawal } from "../partition/letter.ts";
import { noDeferrals } from "../policy/waits.ts";
import type { ReplayOfCall } from "../replay-mode.ts";
import { heardProgress, type ToldLoanEnd, type ToldProgress, toTold } from "./told-loan.ts";

export interface LentLane {
  readonly stream: string;
  readonly replayId: string;
}

export interface AskedDelivery extends LentLane {
  readonly revision: number;
  readonly replay: ReplayOfCall;
  /** Its place among the replay's items. */
  readonly item: number;
  /** It carries what the dead letter was amended with. */
  readonly amended: boolean;
  readonly before: ToldProgress | null;
  readonly ends: Ends | null;
  readonly recordFirst: boolean;
  /** Whoever asks takes a turn for each of its calls. Of earlier builds: undefined. */
  readonly turnByTurn?: boolean;
  /** Whether its call is ever recorded. */
  readonly isRecorded: boolean;
}

export interface LentLanesNeeds {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly newId: NewId;
  /** Id of this process. */
  readonly life: string;
}

interface Lent {
  readonly dispatcher: Dispatcher;
  readonly lane: BorrowedLane;
  readonly replayId: string;
  /** Deliveries under way. */
  running: number;
  /** How often it was taken back: what was asked for before that does not begin any more. */
  withdrawals: number;
  /** It is given back as soon as nothing of it runs. */
  isOver: boolean;
}

/** Of a delivery that has not begun. */
const fresh: ToldProgress = { failed: 0, deferred: noDeferrals, dueInMs: null, part: null };
/** As many of a replay's last records are looked through: more calls are never under way. */
const startedWithin = 1000;

export class LentLanes {
  readonly #needs: LentLanesNeeds;
  readonly #lent = new Map<string, Lent>();

  constructor(needs: LentLanesNeeds) {
    this.#needs = needs;
  }

  /** @param isAgain an owner that did not release the partition was asked for the same: it may have ended by this very call. @throws NOT_FOUND */
  async deliver(dispatcher: Dispatcher, asked: AskedDelivery, isAgain: boolean): Promise<ToldLoanEnd> {
    const { clock } = this.#needs;
    const lent = this.#lentTo(dispatcher, asked);
    const { withdrawals } = lent;
    lent.running++;
    try {
      const ends = isAgain && asked.isRecorded ? ((await this.#endsOf(asked)) ?? asked.ends) : asked.ends;
      const record = asked.isRecorded ? (alone: boolean) => this.#started(asked, ends ?? noEnds, alone) : null;
      if (lent.withdrawals !== withdrawals) return { kind: "withdrawn", progress: asked.before ?? fresh };
      const end = await lent.lane.deliver({
        ...{
          revision: asked.revision,
          read: () => this.#eventOf(dispatcher, asked),
          replay: asked.replay,
          before: asked.before && heardProgress(asked.before, clock.monotonicMs()),
          ends,
          record,
        },
        recordFirst: asked.recordFirst || isAgain,
        onNotAlone: record && (() => void record(false).catch(() => {})), // when it cannot be stored, its end is told all the same
        ...{ source: { item: asked.item, amended: asked.amended }, turnByTurn: asked.turnByTurn === true },
      });
      return toTold(end, clock.monotonicMs());
    } finally {
      lent.running--;
      if (lent.isOver) this.#end(keyOf(asked), lent);
    }
  }

  takeBack(asked: LentLane, how: Withdrawal): void {
    const lent = this.#lent.get(keyOf(asked));
    if (lent !== undefined) takeBack(lent, how);
  }

  takeBackAll(replayId: string): void {
    for (const lent of this.#lent.values()) if (lent.replayId === replayId) takeBack(lent, "pause");
  }

  giveBack(asked: LentLane): void {
    const lent = this.#lent.get(keyOf(asked));
    if (lent !== undefined) this.#over(keyOf(asked), lent);
  }

  /** The replay is over, or has another runner, which borrows anew: nothing that the one before asked for starts any more. */
  giveBackAll(replayId: string): void {
    for (const [key, lent] of this.#lent) {
      if (lent.replayId !== replayId) continue;
      takeBack(lent, "pause");
      this.#over(key, lent);
    }
  }

  #over(key: string, lent: Lent): void {
    lent.isOver = true;
    if (lent.running === 0) this.#end(key, lent);
  }

  #end(key: string, lent: Lent): void {
    if (this.#lent.get(key) === lent) this.#lent.delete(key);
    lent.lane.end();
  }

  #lentTo(dispatcher: Dispatcher, asked: LentLane): Lent {
    const { stream, replayId } = asked;
    const known = this.#lent.get(keyOf(asked));
    if (known !== undefined && known.dispatcher === dispatcher && !known.isOver) return known;
    const lent: Lent = { dispatcher, lane: dispatcher.replays.lend(stream, replayId), replayId, running: 0, withdrawals: 0, isOver: false };
    this.#lent.set(keyOf(asked), lent);
    return lent;
  }

  async #eventOf({ letters }: Dispatcher, { stream, revision, amended }: AskedDelivery): Promise<StoredEvent> {
    const event = amended ? (await letters.event(stream, revision))?.event : await readEvent(this.#needs.log, stream, revision);
    if (event == null) throw new RepriseError("NOT_FOUND", "The event was removed from the log.");
    return event;
  }

  async #started({ replayId, item }: AskedDelivery, ends: Ends, alone: boolean): Promise<unknown> {
    const { log, newId, life } = this.#needs;
    const data: ReplayStreamData["replay.started"] = { items: [item], life, ends, alone };
    return log.append(replayStream(replayId), [ownEvent(newId, "replay.started", data)], "any");
  }

  /** What the end of the owner before this one says of the delivery; null when its call is not on record. */
  async #endsOf({ replayId, item }: AskedDelivery): Promise<Ends | null> {
    const { log, life: mine } = this.#needs;
    for await (const batch of log.readStream(replayStream(replayId), { direction: "backward", limit: startedWithin }))
      for (const { type, data } of batch) {
        if (type !== "replay.started") continue;
        const { items, ends = noEnds, life, alone = true } = data as unknown as ReplayStreamData["replay.started"];
        if (items.includes(item)) return life === mine ? ends : withEnd(ends, { alone, isTold: false });
      }
    return null;
  }
}

const keyOf = ({ stream, replayId }: LentLane): string => `${replayId}\n${stream}`;

function takeBack(lent: Lent, how: Withdrawal): void {
  lent.withdrawals++;
  lent.lane.takeBack(how);
}

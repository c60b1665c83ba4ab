import type { BorrowedLane } from "../delivery/partition/borrowed-lane.ts";
import { noEnds } from "../delivery/partition/ends.ts";
import type { LoanEnd, LoanedCall, LoanProgress, NextTurn } from "../delivery/partition/lane-loan.ts";
import type { Withdrawal } from "../delivery/partition/letter.ts";
import type { ReplayOfCall } from "../delivery/replay-mode.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { isRepriseError, RepriseError } from "../errors.ts";
import type { Position, StoredEvent } from "../event/event.ts";
import type { Ends } from "../records/attempt.ts";
import type { OwnOutcome } from "../records/replay.ts";
import type { ReplayItem } from "../records/replay-item.ts";
import type { NextTurnOf } from "./asked-turns.ts";
import { laneOf } from "./items.ts";
import { OutcomeWriter } from "./outcome-writer.ts";
import type { ItemEnd, JobRequest, Runner } from "./runner.ts";
import { eventRemoved, handlerAbsent } from "./why-left-alone.ts";

export interface OwnRunnerOptions {
  readonly delivery: RunningHandlers;
  readonly request: JobRequest;
  readonly readEvent: (item: ReplayItem) => Promise<StoredEvent | undefined>;
  readonly nextTurn: NextTurnOf;
  /** Append to the replay's stream, however long that takes. */
  readonly storeOutcomes: (outcomes: readonly OwnOutcome[]) => Promise<Position>;
  readonly storeStarted: (place: number, started: { readonly ends: Ends; readonly alone: boolean }) => Promise<Position>;
  /** Items that were called when the process ended, without an outcome. */
  readonly suspects: ReadonlyMap<number, Ends>;
  /** The replay went on after an end of the process: what it starts first is recorded before it is called. */
  readonly resumed: boolean;
}

/** Calls after a restart that are recorded first: as many may have been under way. */
const cautiousCalls = 64;

/**
 * Deliveries of a replay's own: of history, or to another handler. Each borrows the slot of its entity's lane, which stays borrowed until the entity's
 * last item, so that live events queue behind. The partition delivers them by the rules of every delivery; this feeds it, and stores what comes of them
 * in the replay's stream. An item that fails ends its entity in the replay.
 */
export class OwnRunner implements Runner {
  readonly endsLane = "an earlier event of its entity failed";
  readonly #options: OwnRunnerOptions;
  readonly #replay: ReplayOfCall;
  readonly #writer: OutcomeWriter;
  readonly #lanes = new Map<string, BorrowedLane>();
  /** Of items that were taken back: they go on from there. */
  readonly #progress = new Map<number, LoanProgress>();
  #withdrawn: Withdrawal | null = null;
  #cautiousLeft: number;
  /** One for all items: a replay has millions of them. */
  readonly #isWanted = () => this.#withdrawn === null;

  constructor(options: OwnRunnerOptions) {
    const { replayId, reason, effects = "once", mode = "run" } = options.request;
    this.#options = options;
    this.#replay = { id: replayId, reason, mode, effects };
    this.#writer = new OutcomeWriter(options.storeOutcomes);
    this.#cautiousLeft = options.resumed ? cautiousCalls : 0;
  }

  async run(place: number, item: ReplayItem): Promise<ItemEnd> {
    if (this.#withdrawn === "pause") this.#withdrawn = null;
    if (this.#options.delivery.find(item.handler) === undefined) return { outcome: "skipped", reason: handlerAbsent };
    if (this.#withdrawn !== null) return { outcome: "withdrawn" };
    try {
      return await this.#ended(place, item, await this.#laneOf(item).deliver(this.#callOf(place, item)));
    } catch (error) {
      if (isRepriseError(error, "NOT_FOUND")) return { outcome: "skipped", reason: eventRemoved };
      throw error;
    }
  }

  async withdraw(how: Withdrawal): Promise<void> {
    this.#withdrawn = how;
    for (const lane of this.#lanes.values()) lane.takeBack(how);
  }

  leaveLane(item: ReplayItem): void {
    const key = laneOf(item);
    this.#lanes.get(key)?.end();
    this.#lanes.delete(key);
  }

  async passed(): Promise<void> {}

  followers(): number {
    return 0;
  }

  releasesLeft(): number {
    return 0;
  }

  async flushed(): Promise<void> {
    try {
      await this.#writer.flushed();
    } catch (error) {
      throw isRepriseError(error) ? error : new RepriseError("LOG_UNAVAILABLE", "What came of a replay could not be stored.", { cause: error });
    }
  }

  #laneOf(item: ReplayItem): BorrowedLane {
    const key = laneOf(item);
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = this.#options.delivery.must(item.handler).replays.lend(item.lane, this.#options.request.replayId);
      this.#lanes.set(key, lane);
    }
    return lane;
  }

  #callOf(place: number, item: ReplayItem): LoanedCall {
    const { suspects, nextTurn } = this.#options;
    const ends = suspects.get(place) ?? null;
    const about = { replay: this.#replay, before: this.#progress.get(place) ?? null, ends, recordFirst: ends !== null || this.#cautiousLeft-- > 0 };
    return new OwnCall(place, item, { ...about, nextTurn: nextTurn(this.#isWanted) }, this.#options);
  }

  async #ended(place: number, item: ReplayItem, end: LoanEnd): Promise<ItemEnd> {
    this.#progress.delete(place);
    switch (end.kind) {
      case "completed":
      case "dropped": // there is nothing to deliver
        await this.#store(item, { item: place, outcome: "succeeded", attempts: end.attempts, error: null });
        return { outcome: "succeeded", position: 0n };
      case "failed":
        return this.#fail(place, item, end.attempts, end.error);
      case "damaged":
        return this.#fail(place, item, end.attempts, { type: "LogDamaged", message: end.detail });
      case "newer_build":
        return { outcome: "skipped", reason: "newer_build" };
      case "withdrawn":
        this.#progress.set(place, end.progress);
        return { outcome: "withdrawn" };
    }
  }

  async #fail(place: number, item: ReplayItem, attempts: number, { type, message }: { readonly type: string; readonly message: string }): Promise<ItemEnd> {
    const error = { type, message };
    await this.#store(item, { item: place, outcome: "failed", attempts, error });
    return { outcome: "failed", position: 0n, error };
  }

  async #store(item: ReplayItem, outcome: OwnOutcome): Promise<void> {
    const { record, unknownOutcome } = this.#options.delivery.find(item.handler)?.spec ?? {};
    const stored = this.#writer.add(outcome);
    if (record === "each" || unknownOutcome === "escalate" || this.#writer.full()) await stored;
    else stored.catch(() => {}); // `flushed` tells
  }
}

/** One item, as the partition is asked for it. A class, because a replay has millions of them, and each would need two closures. */
class OwnCall implements LoanedCall {
  readonly revision: number;
  readonly replay: ReplayOfCall;
  readonly before: LoanProgress | null;
  readonly ends: Ends | null;
  readonly recordFirst: boolean;
  readonly source: LoanedCall["source"];
  readonly nextTurn: NextTurn | null;
  readonly #place: number;
  readonly #item: ReplayItem;
  readonly #needs: Pick<OwnRunnerOptions, "readEvent" | "storeStarted">;

  constructor(
    place: number,
    item: ReplayItem,
    { replay, before, ends, recordFirst, nextTurn }: Pick<LoanedCall, "replay" | "before" | "ends" | "recordFirst"> & Pick<OwnCall, "nextTurn">,
    needs: Pick<OwnRunnerOptions, "readEvent" | "storeStarted">,
  ) {
    this.revision = item.revision;
    this.replay = replay;
    this.before = before;
    this.ends = ends;
    this.recordFirst = recordFirst;
    this.nextTurn = nextTurn;
    this.source = { item: place, amended: false };
    this.#place = place;
    this.#item = item;
    this.#needs = needs;
  }

  async read(): Promise<StoredEvent> {
    const event = await this.#needs.readEvent(this.#item);
    if (event === undefined) throw new RepriseError("NOT_FOUND", eventRemoved);
    return event;
  }

  record(alone: boolean): Promise<unknown> {
    return this.#needs.storeStarted(this.#place, { ends: this.ends ?? noEnds, alone });
  }

  onNotAlone(): void {
    this.record(false).catch(() => {}); // when it cannot be stored, neither can its outcome, and that one tells
  }
}

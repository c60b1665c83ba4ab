/** What one of many instances does beside its own partitions: it asks the owners of others, answers what is asked of it, and hears of pauses and breakers. */
import type { StoredEvent } from "../../event/event.ts";
import { handlerStream, inboxOf, inboxPrefix, integrationStream, isReplayStream, journalPrefix, replayStream } from "../../event/names.ts";
import type { DeliveryLogger } from "../delivery-logger.ts";
import type { Dispatcher } from "../dispatcher/dispatcher.ts";
import type { BorrowedLane } from "../partition/borrowed-lane.ts";
import { AskedLane } from "./asked-lane.ts";
import { Asker, type AskerNeeds } from "./asker.ts";
import { Desk } from "./desk.ts";
import { FollowedJournals } from "./followed-journals.ts";
import { SeenLetters } from "./seen-letters.ts";
import { startTail } from "./tail.ts";

export interface InstancesNeeds extends Omit<AskerNeeds, "signal"> {
  /** Id of this process. */
  readonly life: string;
  readonly logger: DeliveryLogger;
  /** The dispatcher of a journal that is this instance's now. */
  readonly find: (journal: string) => Dispatcher | undefined;
  /** Those of all partitions that work here. */
  readonly working: () => readonly Dispatcher[];
  /** The record of a handler has changed: of its pause, or of more. */
  readonly onHandler: (handler: string, event: StoredEvent) => void;
  /** What became of an integration. */
  readonly onIntegration: (event: StoredEvent) => void;
  /** An event of a replay's stream. */
  readonly onReplay: (event: StoredEvent) => void;
}

export class Instances {
  readonly asker: Asker;
  readonly followed: FollowedJournals;
  readonly letters = new SeenLetters();
  readonly #needs: InstancesNeeds;
  readonly #desk: Desk;
  readonly #leaving = new AbortController();

  constructor(needs: InstancesNeeds) {
    this.#needs = needs;
    this.asker = new Asker({ ...needs, signal: this.#leaving.signal });
    this.followed = new FollowedJournals(needs);
    this.#desk = new Desk(needs);
  }

  start(): Promise<void> {
    return startTail({ ...this.#needs, signal: this.#leaving.signal, onEvent: (event) => this.#take(event) });
  }

  stop(): void {
    this.#leaving.abort();
  }

  /** Borrows a lane of a partition that another instance has. */
  lend(journal: string, stream: string, replayId: string): BorrowedLane {
    return new AskedLane({ asker: this.asker, clock: this.#needs.clock, journal, stream, replayId });
  }

  /** This instance owns these journals now, or goes on owning them. */
  owns(journals: readonly string[]): void {
    for (const journal of journals) this.#desk.look(inboxOf(journal));
  }

  /** These are a handler's journals from now on: what was asked of the owners of others is asked of theirs. */
  divided(journals: readonly string[]): void {
    this.asker.divided(journals);
  }

  #take(event: StoredEvent): void {
    const { stream } = event;
    if (stream.startsWith(inboxPrefix)) this.#desk.take(event);
    else if (stream.startsWith(journalPrefix)) this.#takeJournal(event);
    else if (stream.startsWith(integrationStream(""))) this.#needs.onIntegration(event);
    else if (isReplayStream(stream)) this.#takeReplay(event);
    else this.#needs.onHandler(stream.slice(handlerStream("").length), event);
  }

  #takeJournal(event: StoredEvent): void {
    this.letters.take(event);
    this.asker.take(event);
  }

  #takeReplay(event: StoredEvent): void {
    const { type, stream } = event;
    const replayId = stream.slice(replayStream("").length);
    if (type === "replay.claimed" || type === "replay.ended") this.#desk.lent.giveBackAll(replayId);
    else if (type === "replay.cancelling") this.#takeBack(replayId);
    this.#needs.onReplay(event);
  }

  /** Nothing more of the replay begins here, before its runner asks for that. What it asked for before is answered as taken back, after it has heard of the same. */
  #takeBack(replayId: string): void {
    this.#desk.lent.takeBackAll(replayId);
    for (const { replays } of this.#needs.working()) replays.withdraw(replayId, "pause").catch(() => {}); // it stops, or stands still: nothing begins there
  }
}

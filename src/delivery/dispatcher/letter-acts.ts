import type { Catalog } from "../../catalog/catalog.ts";
import { RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import type { Json, Position, StoredEvent } from "../../event/event.ts";
import type { NewId } from "../../event/ids.ts";
import type { AppendedEvent, EventLog } from "../../log/event-log.ts";
import { readEvent } from "../../log/read-event.ts";
import type { Act } from "../../records/act.ts";
import type { AttemptError } from "../../records/attempt.ts";
import type { AmendmentPointer } from "../../records/snapshot.ts";
import { asAmended } from "../journal/amendment.ts";
import type { JournalStream } from "../journal/journal-stream.ts";
import { withPatience } from "../journal/patience.ts";
import type { LetterReplayTerms } from "../partition/letter.ts";
import type { Partition } from "../partition/partition.ts";
import type { JournalWriter } from "./journal-writer.ts";
import type { Lifetime } from "./lifetime.ts";
import type { Pump } from "./pump.ts";
import type { LetterReplayed } from "./replies.ts";

export interface LetterReplayRequest extends LetterReplayTerms {
  readonly stream: string;
  readonly revision: number;
  /** The letter's attempts when it was chosen: when it has another number now, it is left alone. Null when the number does not matter. */
  readonly attempts: number | null;
  /** Somebody named this dead letter: where it waits for a person's decision, that is the decision. Others leave it alone. */
  readonly decides?: boolean;
}

export interface AmendRequest {
  readonly stream: string;
  readonly revision: number;
  /** The whole new stored data, of the event's stored type and version. */
  readonly data: Json;
  readonly act: Act;
}

/** A dead letter as its next delivery would be. */
export interface LetterEvent {
  /** With the amended data when it was amended. */
  readonly event: StoredEvent;
  /** As the log holds it. */
  readonly stored: StoredEvent;
  readonly amended: AmendmentPointer | null;
  readonly attempts: number;
}

export interface FoundLetter {
  readonly attempts: number;
  /** It carries other data than the stored ones. */
  readonly isAmended: boolean;
  /** It waits for a person's decision. */
  readonly isEscalated: boolean;
}

/** Why a replay that chose by a filter leaves one alone. */
export const waitsForDecision = "it waits for a person's decision";

export interface LetterActsOptions {
  readonly handler: string;
  readonly catalog: Catalog;
  readonly log: EventLog;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly journal: JournalStream;
  readonly partition: Partition;
  readonly writer: JournalWriter;
  readonly life: Lifetime;
  readonly pump: Pump;
}

/** What can be done about one handler's dead letters, and about what waits for its next attempt. */
export class LetterActs {
  readonly #options: LetterActsOptions;
  /** Amendments that are being recorded, by stream and revision. A replay of the letter waits for them. */
  readonly #amending = new Map<string, Promise<unknown>>();

  constructor(options: LetterActsOptions) {
    this.#options = options;
  }

  /** What of a dead letter is known here; undefined when the delivery is none. */
  find(stream: string, revision: number): FoundLetter | undefined {
    const letter = this.#options.partition.letters.get(stream, revision);
    return letter && { attempts: letter.attempts, isAmended: letter.amended !== null, isEscalated: letter.decision !== null };
  }

  /** Revisions of a lane's dead letters, in order. */
  revisions(stream: string): readonly number[] {
    return this.#options.partition.letters.revisions(stream);
  }

  /** @returns null when the log has the event no more. @throws NOT_DEAD_LETTERED */
  async event(stream: string, revision: number): Promise<LetterEvent | null> {
    const { log, journal, partition, life } = this.#options;
    life.mustWork();
    const letter = partition.letters.get(stream, revision);
    if (letter === undefined) throw new RepriseError("NOT_DEAD_LETTERED", "The delivery is not dead-lettered any more.");
    const { amended, attempts } = letter;
    const stored = await readEvent(log, stream, revision);
    return stored && { stored, event: await asAmended(log, journal.stream, stored, amended), amended, attempts };
  }

  /**
   * @throws what the act would throw now, so that nothing is written for an act that is refused: NOT_DEAD_LETTERED, DELIVERY_RUNNING, LETTER_NOT_FIRST; for a
   * replay also LANE_PAUSED.
   */
  mayAct(stream: string, revision: number, act: "replay" | "other"): void {
    const { handler, partition, life } = this.#options;
    life.mustWork();
    const { lane } = partition.letters.mayReplay(stream, revision);
    if (act === "replay" && lane.paused) throw new RepriseError("LANE_PAUSED", `The entity is paused for ${handler}.`);
  }

  /**
   * Delivers a dead letter again. Resolves when the end is on record.
   *
   * @throws NOT_DEAD_LETTERED, DELIVERY_RUNNING, LETTER_NOT_FIRST, LOG_UNAVAILABLE (the service stops).
   */
  async replay({ stream, revision, attempts, decides = false, ...about }: LetterReplayRequest): Promise<LetterReplayed> {
    const { partition, writer, life, pump } = this.#options;
    const withdrawals = partition.replays.withdrawals(about.replayId);
    await this.#amending.get(`${stream}\n${revision}`)?.catch(() => {});
    life.mustWork();
    const begun = partition.replays.underWay(stream, revision, about.replayId);
    if (begun !== undefined) {
      // By the runner that its job had before, or it comes with a turn for the next attempt.
      partition.replays.goOn(stream, begun, about.turnByTurn === true);
      pump.soon();
      return writer.replies.of(begun);
    }
    const letter = partition.letters.get(stream, revision);
    if (letter && attempts !== null && letter.attempts !== attempts && letter.replay?.replayId !== about.replayId)
      return { end: { outcome: "skipped", reason: "changed since it was chosen" }, position: 0n };
    if (letter !== undefined && letter.decision !== null) {
      if (!decides) return { end: { outcome: "skipped", reason: waitsForDecision }, position: 0n };
      const { actor, reason, replayId } = about;
      await this.approve(stream, revision, { actor, reason, replayId });
    }
    if (!Number.isFinite(withdrawals) || partition.replays.withdrawals(about.replayId) !== withdrawals) return { end: { outcome: "withdrawn" }, position: 0n };
    const ended = writer.replies.of(partition.replays.begin(stream, revision, about));
    pump.soon(); // a replay begins many in one moment
    return ended;
  }

  /**
   * Ends a dead letter by decision.
   *
   * @returns position of its record.
   * @throws NOT_DEAD_LETTERED, DELIVERY_RUNNING, and as every act: LOG_UNAVAILABLE, LOG_FULL
   */
  async discard(stream: string, revision: number, act: Act): Promise<Position> {
    const { partition, writer } = this.#options;
    return (await writer.act(() => partition.letters.discard(stream, revision, act))).position;
  }

  /** Lets what waits for a decision run, and discards it. @returns the record. @throws NOT_DEAD_LETTERED, ALREADY_DECIDED, LETTER_NOT_FIRST, LOG_UNAVAILABLE, LOG_FULL */
  async approve(stream: string, revision: number, act: Act): Promise<AppendedEvent> {
    const { partition, writer, life, newId } = this.#options;
    life.mustWork();
    const runId = act.replayId ?? newId();
    return writer.act(() => partition.decisions.approve(stream, revision, { runId, act }));
  }

  /** @throws NOT_DEAD_LETTERED, ALREADY_DECIDED, and as every act */
  async reject(stream: string, revision: number, act: Act): Promise<AppendedEvent> {
    const { partition, writer, life } = this.#options;
    life.mustWork();
    return writer.act(() => partition.decisions.reject(stream, revision, act));
  }

  /** Makes a dead letter of what waits for its next attempt. @returns position of its record. @throws NOT_BACKING_OFF, DELIVERY_RUNNING, NOT_FOUND */
  async giveUp(stream: string, revision: number, { error, act }: { readonly error: AttemptError; readonly act: Act }): Promise<Position> {
    const { catalog, log, clock, partition, writer, life } = this.#options;
    life.mustWork();
    return withPatience(clock, async (patience) => {
      const event = await readEvent(log, stream, revision, life.reading);
      if (event === null) throw new RepriseError("NOT_FOUND", "The event was removed from the log.");
      const lifted = catalog.current(event);
      const isSplit = lifted.ok && lifted.parts.some(({ origin }) => origin !== null);
      const draft = () => partition.letters.giveUp(event, { part: isSplit ? partition.parts.next(stream, revision) : null, error, act });
      return (await writer.act(draft, { patience })).position;
    });
  }

  /**
   * Gives a dead letter other data, for this handler's later deliveries of it. It takes an append of its own, because its data might not fit into one append
   * with other events.
   *
   * @throws NOT_DEAD_LETTERED, DELIVERY_RUNNING, APPEND_TOO_LARGE
   */
  async amend({ stream, revision, data, act }: AmendRequest): Promise<AppendedEvent> {
    const { journal, partition, writer, life } = this.#options;
    life.mustWork();
    const draft = () => partition.letters.amend(stream, revision, { data, act });
    journal.prepare([draft().event]); // refused now, when it is too large
    const key = `${stream}\n${revision}`;
    const amending = writer.act(draft, { alone: true });
    this.#amending.set(key, amending);
    try {
      return await amending;
    } finally {
      if (this.#amending.get(key) === amending) this.#amending.delete(key);
    }
  }
}

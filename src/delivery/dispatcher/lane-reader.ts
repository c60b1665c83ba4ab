import type { Clock } from "../../event/clock.ts";
import type { StoredEvent } from "../../event/event.ts";
import { backOff } from "../../event/waits.ts";
import type { EventLog, StreamRead } from "../../log/event-log.ts";
import { readEvent } from "../../log/read-event.ts";
import type { DeliveryLogger } from "../delivery-logger.ts";
import { asAmended } from "../journal/amendment.ts";
import type { JournalStream } from "../journal/journal-stream.ts";
import type { Lane } from "../partition/lane.ts";
import type { LaneLoan } from "../partition/lane-loan.ts";
import type { Partition } from "../partition/partition.ts";
import { HeldEvents } from "./held-events.ts";
import { findLetters, groupsOf, type LetterGroup, type LetterToRead } from "./letter-events.ts";
import { type Lifetime, retryWaits } from "./lifetime.ts";
import type { Loans } from "./loans.ts";
import type { Pump } from "./pump.ts";

/** Readings at once. */
const readsAtOnce = 16;
/** Events of dead letters that one reading brings, and lanes whose streams one reads. */
const lettersAtOnce = 64;
const lanesAtOnce = 64;

export interface LaneReaderOptions {
  readonly handler: string;
  readonly log: EventLog;
  /** Below which revision a stream's events are in an archive, as far as that is on record; asked about holes. Default: nothing is archived. */
  readonly archivedBefore?: ArchivedBefore | undefined;
  readonly clock: Clock;
  readonly logger: DeliveryLogger;
  readonly journal: JournalStream;
  readonly partition: Partition;
  readonly loans: Loans;
  readonly life: Lifetime;
  readonly pump: Pump;
}

interface LaneToRead {
  readonly lane: Lane;
  readonly from: number;
}

export type ArchivedBefore = (stream: string) => Promise<number>;

/** Reads the streams of detached lanes, and the events that replays deliver. */
export class LaneReader {
  readonly #options: LaneReaderOptions;
  /** Asked for once, because a log that is measured makes such a function anew each time. */
  readonly #readStreams: EventLog["readStreams"];
  readonly #findsMany: boolean;
  readonly #held = new HeldEvents();
  #underWay = 0;

  constructor(options: LaneReaderOptions) {
    this.#options = options;
    this.#readStreams = options.log.readStreams;
    this.#findsMany = options.log.findsManyAtOnce === true;
  }

  /** Begins as many readings as may go on at once. */
  begin(): void {
    const { partition, life } = this.#options;
    const [findsMany, readStreams] = [this.#findsMany, this.#readStreams];
    const letters: LetterToRead[] = [];
    const lanes: LaneToRead[] = [];
    const mayRead = this.#held.mayRead();
    const readings = () => this.#underWay + (findsMany ? 0 : letters.length) + (readStreams ? 0 : lanes.length);
    while (!life.stopping && readings() < readsAtOnce && letters.length < lettersAtOnce && lanes.length < lanesAtOnce) {
      const read = partition.reading.next(mayRead);
      if (read === undefined) break;
      const { lane, from, replay, loan } = read;
      if (loan !== null) void this.#read(lane, () => this.#readLoan(loan));
      else if (replay !== null) letters.push({ lane, replay });
      else lanes.push({ lane, from });
    }
    if (readStreams && lanes.length > 1) void this.#readLanes(readStreams, lanes);
    else this.#readLanesSingly(lanes);
    if (findsMany) this.#readTogether(letters);
    else this.#readSingly(letters);
  }

  #readTogether(letters: readonly LetterToRead[]): void {
    if (letters.length === 0) return;
    const { groups, single } = groupsOf(letters);
    for (const group of groups) void this.#readGroup(group);
    this.#readSingly(single);
  }

  #readSingly(letters: readonly LetterToRead[]): void {
    for (const letter of letters) void this.#read(letter.lane, () => this.#readLetter(letter));
  }

  #readLanesSingly(lanes: readonly LaneToRead[]): void {
    for (const { lane, from } of lanes) void this.#read(lane, () => this.#readLane(lane, from));
  }

  async #readGroup(group: LetterGroup): Promise<void> {
    const { log, partition, pump } = this.#options;
    this.#underWay++;
    const { found, missing, left } = await findLetters(log, group);
    this.#underWay--;
    for (const { letter, event } of found) this.#letterRead(letter, event);
    for (const { lane } of left) partition.reading.failed(lane); // it is its turn again
    this.#readSingly(missing);
    pump.soon();
  }

  /** One reading of the log for all of them. Where it fails, each is read by itself, so that one damaged record holds up no other lane. */
  async #readLanes(readStreams: NonNullable<EventLog["readStreams"]>, lanes: readonly LaneToRead[]): Promise<void> {
    const { clock, partition, pump } = this.#options;
    this.#underWay++;
    const wanted = lanes.map(({ lane, from }) => ({ stream: lane.stream, from }));
    const read = await readStreams(wanted, partition.reading.eventsOfLane()).catch(() => []);
    this.#underWay--;
    const alone: LaneToRead[] = [];
    for (const [at, each] of lanes.entries()) {
      const { lane, from } = each;
      const ofLane = read[at];
      if (ofLane !== undefined && !isHole(ofLane, from)) partition.reading.laneRead(lane, ofLane.events, ofLane.head, clock.monotonicMs());
      else if (ofLane !== undefined || read.length === 0) alone.push(each);
      else partition.reading.failed(lane); // it is its turn again
    }
    this.#readLanesSingly(alone);
    pump.soon();
  }

  async #read(lane: Lane, read: () => Promise<void>): Promise<void> {
    const { handler, clock, logger, partition, life, pump } = this.#options;
    this.#underWay++;
    try {
      await read();
    } catch (error) {
      if (!life.reading.aborted) {
        logger.warn({ handler, err: error }, "a lane could not be read; tried again");
        await backOff(0, retryWaits, clock, life.reading);
      }
      partition.reading.failed(lane);
    }
    this.#underWay--;
    pump.soon();
  }

  async #readLetter({ lane, replay }: LetterToRead): Promise<void> {
    const { log, journal, life } = this.#options;
    const { revision } = replay;
    const stored = await readEvent(log, lane.stream, revision, life.reading);
    const event = stored && (await asAmended(log, journal.stream, stored, lane.letters.get(revision)?.amended ?? null));
    this.#letterRead({ lane, replay }, event);
  }

  #letterRead({ lane, replay }: LetterToRead, event: StoredEvent | null): void {
    this.#options.partition.reading.letterRead(lane, replay, event);
    this.#held.add(lane, replay);
  }

  async #readLoan(loan: LaneLoan): Promise<void> {
    const { partition, loans } = this.#options;
    const call = loan.call!;
    try {
      partition.reading.loanRead(loan, call, await call.read());
      this.#held.add(loan.lane, loan);
    } catch (error) {
      if (loan.call === call) loans.fail(loan, error);
      partition.reading.failed(loan.lane);
    }
  }

  async #readLane(lane: Lane, from: number): Promise<void> {
    const { log, archivedBefore, clock, partition, life } = this.#options;
    const head = await log.streamRevision(lane.stream);
    const events: StoredEvent[] = [];
    if (head >= from)
      for await (const batch of log.readStream(lane.stream, { from, limit: partition.reading.eventsOfLane(), signal: life.reading })) {
        for (const event of batch) events.push(event);
        break; // one batch only, since batches are limited in bytes and 64 events may have 60 MB; the lane reads on when it has delivered these
      }
    const archived = isHole({ head, events }, from) ? await archivedBefore?.(lane.stream) : 0;
    partition.reading.laneRead(lane, events, head, clock.monotonicMs(), archived);
  }
}

/** Events from that revision on are missing, though later ones are there, or were. */
const isHole = ({ head, events }: StreamRead, from: number) => (events[0]?.revision ?? head + 1) > from;

/**
 * Finds what may go, and hands it on in small batches, beside live work: first of the streams that an earlier run has left behind, then of the log from where that
 * run ended, in the log's order. Each rule has its own beginning and end there, so that one of an hour does not read what one of a year waits for.
 */
import type { Position, StoredEvent } from "../event/event.ts";
import { isEntityStream } from "../event/names.ts";
import { besideMs, makeTurns } from "../event/turns.ts";
import type { EventLog } from "../log/event-log.ts";
import type { Findings } from "./findings.ts";
import type { FloorOf, Leaving } from "./floors.ts";
import type { RetentionRule } from "./retention-rule.ts";
import { StreamPlaces } from "./stream-places.ts";
import { streamsAgain } from "./streams-again.ts";
import type { Judge, StreamPlace, Verdict } from "./what-may-go.ts";

export interface ScanNeeds {
  readonly log: EventLog;
  /** Those whose events go to one archive; events of other entity types stay. */
  readonly rules: readonly RetentionRule[];
  readonly judge: Judge;
  /** When the run began. */
  readonly nowMs: number;
  readonly floorOf: FloorOf;
  /** Takes what the next run has to know. */
  readonly leaving: Leaving;
  readonly findings: Findings;
  /** Called between batches, with how many events were read: what holds events may have changed, and others want to work. */
  readonly between: (read: number) => Promise<void>;
  readonly signal: AbortSignal;
}

/** An event that goes, with the place of its stream just behind it. */
export interface Going {
  readonly event: StoredEvent;
  readonly place: StreamPlace;
}

/** The log's clock may have been set back a little in between: the walk goes on for so long behind the youngest event that may go. */
const slackMs = 60_000;

interface Walk {
  readonly entityType: string;
  /** Events recorded later are too young. */
  readonly youngestMs: number;
  /** Its events up to here need not be looked at again. */
  walked: Position;
  /** It has met an event that is too young. */
  stands: boolean;
  isOver: boolean;
}

export class Scan {
  readonly #needs: ScanNeeds;
  readonly #places: StreamPlaces;
  /** By entity type. */
  readonly #walks = new Map<string, Walk>();
  /** Streams that are judged by themselves. */
  #again: ReadonlySet<string> = new Set();

  constructor(needs: ScanNeeds) {
    this.#needs = needs;
    this.#places = new StreamPlaces(needs.log, needs.judge);
  }

  async *batches(): AsyncGenerator<readonly Going[], void> {
    const { rules, nowMs, floorOf, leaving } = this.#needs;
    const again = await streamsAgain(this.#needs);
    this.#again = again ?? this.#again;
    for (const { entityType, afterMs } of rules) {
      const walked = again === null ? 0n : floorOf(entityType).walked;
      this.#walks.set(entityType, { entityType, youngestMs: nowMs - afterMs, walked, stands: false, isOver: false });
    }
    for (const stream of this.#again) yield* this.#stream(stream);
    const left = [...this.#walks.values()].sort((one, other) => Number(one.walked - other.walked));
    while (left.length > 0) yield* this.#log(left);
    for (const { entityType, walked } of this.#walks.values()) leaving.walked(entityType, walked);
  }

  /** One stream from its first event on, as far as its events are old enough. */
  async *#stream(stream: string): AsyncGenerator<readonly Going[], void> {
    const { log, between, signal } = this.#needs;
    let place: StreamPlace | null = null;
    for await (const batch of log.readStream(stream, { damaged: "given", signal })) {
      place ??= await this.#places.begin(batch[0]!);
      const going: Going[] = [];
      let isOver = false;
      for (const event of batch) {
        const verdict = this.#judge(event, place);
        if (verdict === "goes") going.push({ event, place });
        else if (typeof verdict === "string") isOver = true; // all behind it is younger, or kept, too
        if (isOver) break;
      }
      if (going.length > 0) yield going;
      await between(batch.length);
      if (isOver) return;
    }
  }

  /** Walks the log from where the first walk stands, for all that begin before it ends, and takes these out. @param left by their beginnings. */
  async *#log(left: Walk[]): AsyncGenerator<readonly Going[], void> {
    const { log, between, signal } = this.#needs;
    const begun: Walk[] = [];
    let endMs = Number.NEGATIVE_INFINITY;
    let reached = left[0]!.walked;
    const turns = makeTurns(besideMs);
    walking: for await (const batch of log.readAll({ after: reached, signal })) {
      const going: Going[] = [];
      for (const event of batch) {
        if (turns.due()) await turns.next();
        while (left.length > 0 && left[0]!.walked < event.position) {
          endMs = Math.max(endMs, left[0]!.youngestMs + slackMs);
          begun.push(left.shift()!);
        }
        if (Date.parse(event.recordedAt) > endMs) {
          if (going.length > 0) yield going;
          break walking;
        }
        const place = await this.#placeOf(event);
        if (place !== null && this.#judge(event, place) === "goes") going.push({ event, place });
        reached = event.position;
      }
      if (going.length > 0) yield going;
      await between(batch.length);
    }
    if (begun.length === 0) left.length = 0; // the log ends here
    for (const walk of begun) {
      if (!walk.stands && reached > walk.walked) walk.walked = reached;
      walk.isOver = true;
    }
  }

  /** Null: nothing is to be judged. */
  async #placeOf(event: StoredEvent): Promise<StreamPlace | null> {
    const walk = this.#walks.get(event.entity.type);
    if (walk === undefined || walk.isOver || event.position <= walk.walked || !isEntityStream(event.stream)) return null;
    if (Date.parse(event.recordedAt) > walk.youngestMs) {
      if (!walk.stands) walk.walked = event.position - 1n;
      walk.stands = true;
      return null;
    }
    if (this.#again.has(event.stream)) return null;
    return this.#places.known(event.stream) ?? (await this.#places.before(event));
  }

  #judge(event: StoredEvent, place: StreamPlace): Verdict {
    const { judge, findings, leaving } = this.#needs;
    const verdict = judge(event, place);
    findings.see(event, place, verdict);
    if (typeof verdict === "object") leaving.stays(event);
    return verdict;
  }
}

/** Walks the log once, from its oldest events on, and hands on what may go: in the log's order, in small batches, beside live work. */
import type { Position, StoredEvent } from "../event/event.ts";
import { isEntityStream } from "../event/names.ts";
import { makeTurns } from "../event/turns.ts";
import type { EventLog } from "../log/event-log.ts";
import type { Findings } from "./findings.ts";
import type { RetentionRule } from "./retention-rule.ts";
import { StreamPlaces } from "./stream-places.ts";
import type { Judge, StreamPlace } from "./what-may-go.ts";

export interface ScanNeeds {
  readonly log: EventLog;
  /** All rules; events of other entity types stay. */
  readonly rules: readonly RetentionRule[];
  readonly judge: Judge;
  /** When the run began. */
  readonly nowMs: number;
  /** Where to begin, exclusive. */
  readonly after: Position;
  readonly findings: Findings;
  /** Called between batches: what holds events may have changed, and others want to work. */
  readonly between: (going: number) => Promise<void>;
  readonly signal: AbortSignal;
}

/** An event that goes, with the place of its stream just behind it. */
export interface Going {
  readonly event: StoredEvent;
  readonly place: StreamPlace;
}

/** The log's clock may have been set back a little in between: the walk goes on for so long behind the youngest event that may go. */
const slackMs = 60_000;

export class Scan {
  readonly #needs: ScanNeeds;
  /** Everything up to here has gone, or has no rule. */
  #done: Position;
  #stays = false;

  constructor(needs: ScanNeeds) {
    this.#needs = needs;
    this.#done = needs.after;
  }

  /** Where the next run may begin. */
  get scannedTo(): Position {
    return this.#done;
  }

  async *batches(): AsyncGenerator<readonly Going[], void> {
    const { log, rules, judge, nowMs, after, findings, between, signal } = this.#needs;
    const ruled = new Set(rules.map(({ entityType }) => entityType));
    const youngestMs = nowMs - rules.reduce((least, { afterMs }) => Math.min(least, afterMs), Number.POSITIVE_INFINITY) + slackMs;
    const places = new StreamPlaces(log, judge);
    const turns = makeTurns();
    for await (const batch of log.readAll({ after, signal })) {
      const going: Going[] = [];
      for (const event of batch) {
        if (turns.due()) await turns.next();
        if (Date.parse(event.recordedAt) > youngestMs) {
          if (going.length > 0) yield going;
          return;
        }
        const isRuled = ruled.has(event.entity.type) && isEntityStream(event.stream);
        if (isRuled) {
          const place = places.known(event.stream) ?? (await places.before(event));
          const verdict = judge(event, place);
          findings.see(event, place, verdict);
          if (verdict === "goes") going.push({ event, place });
          else this.#stays = true;
        }
        if (!this.#stays) this.#done = event.position;
      }
      if (going.length > 0) yield going;
      await between(going.length);
    }
  }
}

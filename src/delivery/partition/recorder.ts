import type { JournalData, JournalEvent, StartedCall } from "../../records/journal.ts";
import { attachedOf } from "../../records/progress.ts";
import type { Delivery } from "./delivery.ts";
import { FactList } from "./fact-list.ts";
import type { Lane } from "./lane.ts";
import type { LaneAct } from "./lane-act.ts";
import type { LetterReplay, LetterReplayEnd } from "./letter.ts";

const factsLimit = 300;
const outcomesLimit = 2300;

/** What one append to the journal carries, and what waits for it. */
export interface Flush {
  readonly number: number;
  readonly events: readonly JournalEvent[];
  readonly checkpoint: { readonly position: bigint; readonly passed: number };
  /** Deliveries whose intent it records: they start once it is stored. Others join them while it is outstanding. */
  readonly intended: readonly Delivery[];
  readonly ended: readonly { readonly replay: LetterReplay; readonly end: LetterReplayEnd }[];
  /** Recorded with it, behind everything else: the one part of a flush that may be refused. */
  readonly acts: readonly LaneAct[];
}

/** Collects what the next flush records. */
export class Recorder {
  readonly #facts = new FactList();
  /** Lanes that came back to the subscription, and nothing has happened to them since: with the position of each. */
  #attached = new Map<string, string>();
  #started: StartedCall[] = [];
  #completed: NonNullable<JournalData["progress"]["completed"]>[number][] = [];
  #intended: Delivery[] = [];
  /** Of the flush taken last. */
  #outstanding: Delivery[] = [];
  #ended: { replay: LetterReplay; end: LetterReplayEnd }[] = [];
  #outcomes = 0;
  #total = 0;
  /** Each once. */
  #changed: Lane[] = [];
  #number = 1;

  /** Number of the flush that will record what is told now. */
  get number(): number {
    return this.#number;
  }

  /** Outcomes ever counted. */
  get total(): number {
    return this.#total;
  }

  fact(event: JournalEvent): void {
    if (event.type === "lane.attached") {
      this.#attached.set(event.data.lane, event.data.at);
      return;
    }
    const lane = event.type === "letters.replayed" ? event.data.letters[0]![0] : (event.data as { readonly lane?: string }).lane;
    const at = lane === undefined ? undefined : this.#attached.get(lane);
    if (at !== undefined) {
      this.#attached.delete(lane!);
      this.#facts.add({ type: "lane.attached", data: attachedOf([lane!, at]) }); // the lists of a flush stand behind its facts
    }
    this.#facts.add(event);
  }

  /** Details of a delivery that completed after trouble. */
  completed(details: NonNullable<JournalData["progress"]["completed"]>[number]): void {
    this.#completed.push(details);
  }

  outcome(): void {
    this.#outcomes++;
    this.#total++;
  }

  /**
   * @param delivery is called when that is on record; null: its call has no slot yet.
   * @param call what is told of it; null: a fact of its own tells it, or it was told before.
   * @param flush that tells it: the next one, or the one that is outstanding.
   */
  intend(delivery: Delivery | null, call: StartedCall | null, flush = this.#number): void {
    if (delivery !== null) (flush === this.#number ? this.#intended : this.#outstanding).push(delivery);
    if (call !== null) this.#started.push(call);
  }

  end(replay: LetterReplay, end: LetterReplayEnd): void {
    this.#ended.push({ replay, end });
    this.outcome();
  }

  /** The lane's `next` moved. */
  moved(lane: Lane): void {
    if (lane.movedIn === this.#number) return;
    lane.movedIn = this.#number;
    this.#changed.push(lane);
  }

  /** Facts and outcomes that wait. */
  pending(): number {
    return this.#outcomes + this.#told();
  }

  /** Nothing new starts or is read before a flush: an append takes 1000 events, and outcomes without a fact are repeated after a crash. */
  isFull(): boolean {
    return this.#told() >= factsLimit || this.#outcomes >= outcomesLimit;
  }

  #told(): number {
    return this.#facts.size + this.#attached.size + this.#started.length;
  }

  /** Somebody waits: calls whose intent it records, or an operator. */
  urgent(): boolean {
    return this.#intended.length > 0 || this.#ended.length > 0;
  }

  /** @param isNews whether the journal has to say where a lane that moved stands; of others the checkpoint says enough. */
  take(checkpoint: Flush["checkpoint"], isNews: (lane: Lane) => boolean, acts: readonly LaneAct[] = []): Flush {
    const ahead: [string, number, string][] = [];
    for (const lane of this.#changed) if (isNews(lane)) ahead.push([lane.stream, lane.next, lane.at.toString()]);
    const progress = {
      checkpoint: checkpoint.position.toString(),
      ahead,
      ...(this.#completed.length > 0 ? { completed: this.#completed } : {}),
      ...(this.#attached.size > 0 ? { attached: [...this.#attached] } : {}),
      ...(this.#started.length > 0 ? { started: this.#started } : {}),
    };
    const flush: Flush = {
      number: this.#number++,
      events: [...this.#facts.take(), { type: "progress", data: progress }],
      checkpoint,
      intended: this.#intended,
      ended: this.#ended,
      acts,
    };
    this.#outstanding = this.#intended;
    this.#attached = new Map();
    this.#started = [];
    this.#completed = [];
    this.#intended = [];
    this.#ended = [];
    this.#outcomes = 0;
    this.#changed = [];
    return flush;
  }
}

/** Dead letters: what is on record of them, and what operators do with them. */
import { RepriseError } from "../../errors.ts";
import type { Json, StoredEvent } from "../../event/event.ts";
import type { Act } from "../../records/act.ts";
import type { AttemptError } from "../../records/attempt.ts";
import type { Lane } from "./lane.ts";
import type { LaneAct } from "./lane-act.ts";
import type { LaneBook } from "./lane-book.ts";
import type { LaneMoves } from "./lane-moves.ts";
import { type Letter, stateOf } from "./letter.ts";
import type { PartitionOptions } from "./options.ts";
import type { Parts } from "./parts.ts";
import { pointerTo, storedAs } from "./pointer.ts";
import type { Recorder } from "./recorder.ts";
import { endReplay } from "./replay-ends.ts";

export interface LettersNeeds {
  readonly book: LaneBook;
  readonly moves: LaneMoves;
  readonly parts: Parts;
  readonly recorder: Recorder;
}

export class Letters {
  readonly #options: Pick<PartitionOptions, "ordering" | "chainFingerprint">;
  readonly #book: LaneBook;
  readonly #moves: LaneMoves;
  readonly #parts: Parts;
  readonly #recorder: Recorder;

  constructor(options: Pick<PartitionOptions, "ordering" | "chainFingerprint">, { book, moves, parts, recorder }: LettersNeeds) {
    this.#options = options;
    this.#book = book;
    this.#moves = moves;
    this.#parts = parts;
    this.#recorder = recorder;
  }

  /** Undefined when the delivery is no dead letter. */
  get(stream: string, revision: number): Letter | undefined {
    return this.#book.get(stream)?.letters.get(revision);
  }

  /** Revisions of a lane's dead letters, in order. */
  revisions(stream: string): readonly number[] {
    return [...(this.#book.get(stream)?.letters.keys() ?? [])].sort((a, b) => a - b);
  }

  /** Refuses a replay that cannot begin now. A paused lane is no reason: other acts may be done on it. @throws NOT_DEAD_LETTERED, DELIVERY_RUNNING, LETTER_NOT_FIRST */
  mayReplay(stream: string, revision: number): { readonly lane: Lane; readonly letter: Letter } {
    const found = this.#find(stream, revision);
    const earlier = this.#earlier(found.lane, revision);
    if (earlier !== null && !found.lane.replays.some((each) => each.revision === earlier)) throw notFirst(revision, earlier);
    return found;
  }

  /** As `mayReplay`, and no other one comes before it, whatever is done about that one. @throws NOT_DEAD_LETTERED, DELIVERY_RUNNING, LETTER_NOT_FIRST */
  mustBeFirst(stream: string, revision: number): { readonly lane: Lane; readonly letter: Letter } {
    const found = this.#find(stream, revision);
    const earlier = this.#earlier(found.lane, revision);
    if (earlier !== null) throw notFirst(revision, earlier);
    return found;
  }

  /** The dead letter that strict order delivers before this one; null: none. */
  #earlier({ letters }: Lane, revision: number): number | null {
    if (this.#options.ordering !== "strict") return null;
    let earlier = revision;
    for (const letter of letters.keys()) earlier = Math.min(earlier, letter);
    return earlier < revision ? earlier : null;
  }

  /** Ends a dead letter by decision; one that waits for a person's is refused by it. One that only waits for its turn in a replay leaves that replay. @throws NOT_DEAD_LETTERED, DELIVERY_RUNNING */
  discard(stream: string, revision: number, act: Act): LaneAct {
    const { lane, letter } = this.#find(stream, revision, "or it waits");
    const pointer = { revision, position: letter.at, id: letter.eventId };
    return {
      lane,
      revision,
      event: {
        type: "delivery.settled",
        data: { ...pointerTo(lane, pointer), before: stateOf(letter), outcome: "discarded", cause: null, act, ...refused(letter), record: null },
      },
      apply: () => {
        this.#parts.forget(stream, revision);
        this.#book.removeLetter(lane, revision);
        const replay = lane.replays.find((each) => each.revision === revision);
        const reason = `discarded by ${act.actor}${act.reason === null ? "" : `: ${act.reason}`}`;
        if (replay !== undefined) endReplay(this.#recorder, lane, replay, { outcome: "skipped", reason });
      },
    };
  }

  /**
   * Makes a dead letter of what waits for its next attempt: the event at `next`, or a dead letter that is replayed.
   *
   * @param event of that revision, as the log holds it. `part`: of a split one, which part failed. `error`: why it waits.
   * @throws NOT_BACKING_OFF, DELIVERY_RUNNING
   */
  giveUp(event: StoredEvent, { part, error, act }: { readonly part: number | null; readonly error: AttemptError; readonly act: Act }): LaneAct {
    const { stream, revision, type } = event;
    const lane = this.#book.get(stream);
    const replay = lane?.replays.find((each) => each.revision === revision && (each.failed > 0 || each.dueMs !== null));
    if (lane === undefined || (replay === undefined && (lane.next !== revision || !lane.troubled || lane.letters.has(revision))))
      throw new RepriseError("NOT_BACKING_OFF", "The delivery does not wait for another attempt.");
    const { running } = lane;
    if (running !== null && !running.concluded && running.loan === null && running.event.revision === revision)
      throw new RepriseError("DELIVERY_RUNNING", "The delivery is being called now.");
    const letter = {
      attempts: replay === undefined ? lane.attempts : (lane.letters.get(revision)?.attempts ?? 0),
      retryCount: replay?.failed ?? lane.attempts,
      ...{ cause: "given_up" as const, error, escalated: false, record: null },
      ...(part === null ? {} : { part }),
      ...(replay === undefined ? {} : { replayId: replay.replayId }),
    };
    return {
      lane,
      revision: null,
      event: {
        type: "delivery.dead_lettered",
        data: { ...pointerTo(lane, event), ...storedAs(event), chain: this.#options.chainFingerprint(type), ...letter, act },
      },
      apply: () => {
        this.#moves.putLetter(lane, event, letter);
        if (replay !== undefined && lane.replays.includes(replay)) endReplay(this.#recorder, lane, replay, { outcome: "dead_lettered", error });
      },
    };
  }

  /**
   * Gives a dead letter other data. The amendment takes an append of its own: with its neighbours the data might not fit into one.
   *
   * @throws NOT_DEAD_LETTERED, DELIVERY_RUNNING
   */
  amend(stream: string, revision: number, { data, act }: { readonly data: Json; readonly act: Act }): LaneAct {
    const { lane, letter } = this.#find(stream, revision);
    const pointer = pointerTo(lane, { revision, position: letter.at, id: letter.eventId });
    return {
      lane,
      revision,
      event: {
        type: "delivery.amended",
        data: { ...pointer, data, before: stateOf(letter), replaces: letter.amended === null ? "stored" : "amended", act },
      },
      apply: (at) => {
        const now = lane.letters.get(revision);
        if (now === undefined) return;
        now.amended = { revision: at, replayId: act.replayId ?? null };
        now.approval = null; // what was approved was other data
      },
    };
  }

  #find(stream: string, revision: number, orWaits?: "or it waits"): { readonly lane: Lane; readonly letter: Letter } {
    const lane = this.#book.get(stream);
    const letter = lane?.letters.get(revision);
    if (lane === undefined || letter === undefined) throw new RepriseError("NOT_DEAD_LETTERED", "The delivery is not dead-lettered any more.");
    const replay = lane.replays.find((each) => each.revision === revision);
    const runs = replay !== undefined && lane.running?.replay === replay && !lane.running.concluded;
    if (replay !== undefined && (runs || orWaits === undefined)) throw new RepriseError("DELIVERY_RUNNING", "A replay of this dead letter is under way.");
    return { lane, letter };
  }
}

const refused = ({ decision }: Letter) => (decision === null ? {} : { decision: "rejected" as const });

const notFirst = (revision: number, earlier: number) =>
  new RepriseError("LETTER_NOT_FIRST", `Revision ${earlier} of the same entity is dead-lettered before revision ${revision}; strict order replays it first.`);

/** A handler's journal as a stream of the log: loading its state, and appending to it as its one writer (docs/rules.md, Journal). */
import { isRepriseError, RepriseError } from "../../errors.ts";
import type { NewEvent, Position, StoredEvent } from "../../event/event.ts";
import type { NewId } from "../../event/ids.ts";
import { encodeAppend, keepEncoding } from "../../log/append-rules.ts";
import type { AppendedEvent, EventLog } from "../../log/event-log.ts";
import type { JournalData, JournalEvent } from "../../records/journal.ts";
import { ownEvent } from "../../records/own-event.ts";
import { type LastEnds, nobodyTold } from "../partition/ends.ts";
import { divide } from "../partition/flush-appends.ts";
import { type Claim, claimType, closedInto, fencedBy } from "./claim.ts";
import { fold } from "./fold.ts";
import { readJournal, type Skip } from "./journal-read.ts";
import { foldStored, lastState } from "./last-snapshot.ts";
import { Shortening } from "./shorten.ts";
import type { PartitionState } from "./state.ts";
import { wholeBatch } from "./whole-batch.ts";

/** How often a claim may meet something that its owner has just written. */
const maxClaims = 100;

/** The events of one append. Their ids are set, so that a repeat of the append is known as one. */
export interface Batch {
  readonly events: readonly JournalEvent[];
  readonly encoded: readonly NewEvent[];
  readonly bytes: number;
}

export class JournalStream {
  readonly #log: EventLog;
  readonly #newId: NewId;
  readonly stream: string;
  readonly #state: PartitionState;
  readonly #skips: readonly Skip[];
  #revision: number;
  /** Position of the last event that was there when it was opened; null: there was none. */
  readonly #endedAt: Position | null;
  /** Revision of our own claim; −1 before it. */
  #claimed = -1;
  readonly #shortening: Shortening;
  /** A batch that is not sent again, although nobody knows whether it was stored. The next append takes its place, or finds it there. */
  #unclear: { readonly batch: Batch; readonly found: (last: AppendedEvent) => void } | null = null;

  private constructor(log: EventLog, newId: NewId, stream: string, loaded: Loaded) {
    this.#log = log;
    this.#newId = newId;
    this.stream = stream;
    this.#state = loaded.state;
    this.#revision = loaded.revision;
    this.#endedAt = loaded.endedAt;
    this.#shortening = new Shortening(loaded);
    this.#skips = loaded.skips;
  }

  /**
   * Reads the journal: backwards to the last complete snapshot, then forward.
   *
   * @param start checkpoint of a journal that is still empty.
   * @throws LOG_BEHIND_CHECKPOINT when the journal knows more than the log has, JOURNAL_DAMAGED.
   */
  static async open({
    log,
    newId,
    stream,
    start,
    skips = [],
  }: {
    readonly log: EventLog;
    readonly newId: NewId;
    readonly stream: string;
    readonly start: Position;
    readonly skips?: readonly Skip[];
  }): Promise<JournalStream> {
    const { state, snapshot, from } = await lastState(log, stream, start, skips);
    let bytes = 0;
    let endedAt: Position | null = null;
    const revision = await readJournal({ log, stream, from, skips }, (event) => {
      endedAt = event.position;
      if (event.type === "snapshot") return;
      foldStored(state, event);
      bytes += JSON.stringify(event.data).length;
    });
    // A journal is behind what it speaks of, so one glance at its own end is enough, as a rule.
    const head = state.checkpoint > (endedAt ?? 0n) ? await log.head() : state.checkpoint;
    if (state.checkpoint > head)
      throw new RepriseError("LOG_BEHIND_CHECKPOINT", `${stream} was delivered up to position ${state.checkpoint}, but the log ends at ${head}.`);
    return new JournalStream(log, newId, stream, { state, revision, endedAt, bytes, snapshotBytes: snapshot?.bytes ?? 0, skips });
  }

  /**
   * Takes the partition over, before anything else is written. When the owner writes meanwhile, this reads what it wrote and tries again.
   *
   * @param beside facts that hold from the claim on, in the same append. It is told the position of the last event before; null: there was none.
   * @throws FENCED when the owner was faster each time, or the journal is closed.
   */
  async claim(
    data: Omit<JournalData["partition.claimed"], "life" | "lastEnd" | "epochBase">,
    ends: LastEnds = nobodyTold,
    beside: (endedAt: Position | null) => readonly JournalEvent[] = () => [],
    { evenClosed = false, tries: most = maxClaims } = {},
  ): Promise<Claim> {
    const facts = beside(this.#endedAt);
    for (let tries = 1; ; tries++) {
      const { clean, readAhead, life, epochBase, closed } = this.#state;
      if (closed !== null && !evenClosed) throw closedInto(this.stream, closed);
      const lastEnd = clean ? {} : { lastEnd: life !== null && ends.told(life) ? ("told" as const) : ("not_told" as const) };
      const claim = { ...data, life: ends.life, ...lastEnd, ...(epochBase === 0 ? {} : { epochBase }) };
      try {
        const at = await this.append([{ type: claimType, data: claim }, ...facts]);
        this.#claimed = this.#revision - facts.length;
        return { state: this.#state, unclean: !clean, readAhead, epoch: epochBase + this.#claimed, at };
      } catch (error) {
        if (!isRepriseError(error, "FENCED") || tries === most) throw error;
        await this.#catchUp();
      }
    }
  }

  async #catchUp(): Promise<void> {
    const from = this.#revision + 1;
    this.#revision = await readJournal({ log: this.#log, stream: this.stream, from, skips: this.#skips }, (event) => foldStored(this.#state, event));
  }

  /**
   * Looks whether the journal is still ours.
   *
   * @throws FENCED with the `owner` that has claimed it, JOURNAL_DAMAGED when another program has written to it.
   */
  async check(): Promise<void> {
    let claimed: StoredEvent | null = null;
    await readJournal({ log: this.#log, stream: this.stream, from: this.#revision + 1, skips: this.#skips }, (event) => {
      if (event.type === claimType) claimed = event;
    });
    if (claimed !== null) throw fencedBy(claimed);
  }

  /**
   * Appends at our own last revision, all or none. A repeat after an unclear failure has the same ids: call `prepare` once, `send` until it works.
   *
   * @returns position of the last event.
   * @throws FENCED when another writer was here; LOG_UNAVAILABLE and LOG_FULL, after which the same batch may be sent again.
   */
  async append(events: readonly JournalEvent[]): Promise<Position> {
    const batch = this.prepare(events);
    return ((await this.send(batch)) ?? (await this.send(batch)))!.position;
  }

  /** Gives a batch up that may be stored all the same. @param found is told by a later `send` when it was stored. */
  abandon(batch: Batch, found: (last: AppendedEvent) => void): void {
    this.#unclear = { batch, found };
  }

  /** Divides events among several appends, which follow one another. Each append leaves room for operators' acts. */
  divide(events: readonly JournalEvent[]): readonly (readonly JournalEvent[])[] {
    return divide(events, this.#state.checkpoint);
  }

  /** Encodes one append. @throws APPEND_TOO_LARGE */
  prepare(events: readonly JournalEvent[]): Batch {
    const encoded = events.map(({ type, data }) => ownEvent(this.#newId, type, data));
    const append = encodeAppend(this.stream, encoded, this.#revision);
    keepEncoding(encoded, append); // else each fact would be encoded twice
    return { events, encoded, bytes: append.bytes };
  }

  /** @returns where the last event is; null when the batch was not stored, because an abandoned batch was found in its place. */
  async send(batch: Batch): Promise<AppendedEvent | null> {
    try {
      const appended = await this.#log.append(this.stream, batch.encoded, this.#revision === -1 ? "none" : this.#revision);
      this.#unclear = null;
      this.#isStored(batch, appended.at(-1)!);
      return appended.at(-1)!;
    } catch (error) {
      if (!isRepriseError(error, "REVISION_CONFLICT")) throw error;
      const last = await this.#findUnclear();
      if (last === null) {
        if (this.#claimed >= 0) await this.check(); // the error then names the other owner
        throw new RepriseError("FENCED", `${this.stream} is at another revision than ${this.#revision}: another process writes it.`, {
          cause: error,
          fields: { stream: this.stream },
        });
      }
      const { batch: found, found: tell } = this.#unclear!;
      this.#unclear = null;
      this.#isStored(found, last);
      tell(last);
      return null;
    }
  }

  /** The last event of the abandoned batch; null when it is not what stands next in the journal. */
  async #findUnclear(): Promise<AppendedEvent | null> {
    if (this.#unclear === null) return null;
    const { encoded } = this.#unclear.batch;
    const stored: StoredEvent[] = [];
    for await (const events of this.#log.readStream(this.stream, { from: this.#revision + 1, limit: encoded.length }))
      for (const event of events) stored.push(event);
    if (stored.length !== encoded.length || stored.some(({ id }, index) => id !== encoded[index]!.id)) return null;
    const { id, revision, position, recordedAt } = stored.at(-1)!;
    return { id, revision, position, recordedAt, duplicate: true };
  }

  #isStored({ events, bytes }: Batch, last: AppendedEvent): void {
    this.#revision = last.revision;
    for (const [index, event] of events.entries()) fold(this.#state, event, last.revision - events.length + 1 + index);
    this.#shortening.grew(bytes);
  }

  /** Whether the event is the claim of another owner after ours: from there on the journal is not ours. */
  isTakenBy({ stream, type, revision, source }: StoredEvent): boolean {
    return type === claimType && stream === this.stream && revision > this.#claimed && source === "reprise";
  }

  /**
   * Writes the state as it is recorded, once the journal is long enough for it. Nothing else may be appended meanwhile.
   *
   * @param store sends one part, again when the log could not take it; null when it never will.
   */
  async snapshotWhenDue(store: (part: Batch) => Promise<AppendedEvent | null>): Promise<void> {
    if (!this.#shortening.isDue()) return;
    await this.#shortening.write(this.#state, this.#newId(), async (part) => {
      const prepared = this.prepare([part]);
      return (await store(prepared)) === null ? null : prepared.bytes;
    });
  }

  /** Writes the state as it is recorded, and gives the journal up: in one append where that holds both, because another instance waits for it. */
  async release(): Promise<void> {
    const released: JournalEvent = { type: "partition.released", data: {} };
    let isReleased = false;
    await this.#shortening.write(this.#state, this.#newId(), async (part, isLast) => {
      const both = isLast ? wholeBatch(this, [part, released]) : null;
      const batch = both ?? this.prepare([part]);
      if ((await this.send(batch)) === null) await this.send(batch);
      isReleased = both !== null;
      return batch.bytes;
    });
    if (!isReleased) await this.append([released]);
  }
}

interface Loaded {
  readonly state: PartitionState;
  readonly revision: number;
  readonly endedAt: Position | null;
  readonly bytes: number;
  readonly snapshotBytes: number;
  readonly skips: readonly Skip[];
}

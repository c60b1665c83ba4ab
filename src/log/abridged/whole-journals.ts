/** A log whose journals are read as wholes: the entries of their abridgements come in the places where they stood. */
import type { Position, StoredEvent } from "../../event/event.ts";
import { abridgedId } from "../../event/ids.ts";
import { ownTenant, parseStreamName } from "../../event/names.ts";
import type { EventLog, SubscribeOptions, SubscriptionBatch } from "../event-log.ts";
import { type Abridged, type AbridgedEntry, entriesOf, readAbridged } from "./abridgement.ts";

/** Entries that come at once. */
const entriesAtOnce = 512;

type Reads = Pick<EventLog, "readStream">;

/** The entries of one abridgement, one after another. */
class Entries {
  readonly #abridged: Abridged;
  readonly #parts: AsyncGenerator<readonly AbridgedEntry[], void>;
  #loaded: readonly AbridgedEntry[] = [];
  #at = 0;
  /** Entries so far. */
  #count = 0;

  private constructor(log: Reads, abridged: Abridged) {
    this.#abridged = abridged;
    this.#parts = entriesOf(log, abridged);
  }

  /** Null: none of them is beyond `after`. */
  static async beyond(log: Reads, abridged: Abridged, after: Position): Promise<Entries | null> {
    const entries = new Entries(log, abridged);
    do if (!(await entries.step())) return null;
    while (entries.position() <= after);
    return entries;
  }

  position(): Position {
    return BigInt(this.#loaded[this.#at - 1]![1]);
  }

  event(): StoredEvent {
    const [revision, position, recordedAt, type, data] = this.#loaded[this.#at - 1]!;
    const stream = this.#abridged.journal;
    const { entity } = parseStreamName(stream)!;
    const stood = { stream, tenant: ownTenant, entity, revision, position: BigInt(position), recordedAt };
    const id = abridgedId(stream, this.#count);
    return { id, ...stood, type, schemaVersion: 1, source: "reprise", occurredAt: null, data, metadata: { priority: "normal" }, abridged: true };
  }

  /** Goes on to the next one. @returns false at the end. */
  async step(): Promise<boolean> {
    while (this.#at >= this.#loaded.length) {
      const { done, value } = await this.#parts.next();
      if (done === true) return false;
      this.#loaded = value;
      this.#at = 0;
    }
    this.#at++;
    this.#count++;
    return true;
  }
}

/** All abridgements of a log, as they are now, beyond a position. */
class AbridgedJournals {
  readonly #journals: ReadonlyMap<string, Abridged>;
  readonly #open: Entries[];

  private constructor(journals: ReadonlyMap<string, Abridged>, open: Entries[]) {
    this.#journals = journals;
    this.#open = open;
  }

  static async beyond(log: Reads, after: Position): Promise<AbridgedJournals> {
    const journals = await readAbridged(log);
    const open: Entries[] = [];
    for (const abridged of journals.values()) {
      const entries = BigInt(abridged.through) > after ? await Entries.beyond(log, abridged, after) : null;
      if (entries !== null) open.push(entries);
    }
    return new AbridgedJournals(journals, open);
  }

  /** Whether an abridgement stands for this event, which the log still shows. */
  standsFor({ stream, revision }: StoredEvent): boolean {
    return revision < (this.#journals.get(stream)?.before ?? 0);
  }

  /** The next entries up to a position, at most `entriesAtOnce`. */
  async upTo(position: Position): Promise<readonly StoredEvent[]> {
    const found: StoredEvent[] = [];
    while (found.length < entriesAtOnce && this.#open.length > 0) {
      const first = this.#open.reduce((least, one) => (one.position() < least.position() ? one : least));
      if (first.position() > position) break;
      found.push(first.event());
      if (!(await first.step())) this.#open.splice(this.#open.indexOf(first), 1);
    }
    return found;
  }
}

/** A log for whoever folds all of it. */
export interface WholeLog extends Pick<EventLog, "logId" | "apart" | "subscribe"> {
  /** Beyond here no abridgement has an entry. */
  abridgedThrough(): Promise<Position>;
}

export function wholeLog(log: Pick<EventLog, "logId" | "apart" | "subscribe" | "readStream">): WholeLog {
  const { logId, apart } = log;
  return {
    ...{ logId, ...(apart === undefined ? {} : { apart }) },
    subscribe: (options) => subscribeWhole(log, options),
    abridgedThrough: async () => lastOf(await readAbridged(log)),
  };
}

const lastOf = (journals: ReadonlyMap<string, Abridged>): Position =>
  Array.from(journals.values(), ({ through }) => BigInt(through)).reduce((most, one) => (one > most ? one : most), 0n);

/** As of the log, with the journals as wholes. */
export async function* subscribeWhole(log: Pick<EventLog, "subscribe" | "readStream">, options: SubscribeOptions): AsyncGenerator<SubscriptionBatch, void> {
  const abridged = await AbridgedJournals.beyond(log, options.after);
  for await (const batch of log.subscribe(options))
    for await (const { events, position } of withEntries(batch.events, batch.position, abridged))
      yield position < batch.position ? { events, bytes: 0, position, live: false } : { ...batch, events };
}

/** The log beyond a position (default: all of it) in batches, with the journals as wholes. */
export async function* readAllWhole(log: Pick<EventLog, "readAll" | "readStream">, after: Position = 0n): AsyncGenerator<readonly StoredEvent[], void> {
  const abridged = await AbridgedJournals.beyond(log, after);
  for await (const batch of log.readAll({ after })) for await (const { events } of withEntries(batch, batch.at(-1)!.position, abridged)) yield events;
}

/** Events of the log up to a position, with the entries of abridgements that stood among them. The last piece has that position. */
async function* withEntries(events: readonly StoredEvent[], position: Position, abridged: AbridgedJournals) {
  let left = events.filter((event) => !abridged.standsFor(event));
  for (;;) {
    const entries = await abridged.upTo(position);
    const isLast = entries.length < entriesAtOnce || entries.at(-1)!.position === position;
    const reached = isLast ? position : entries.at(-1)!.position;
    const later = left.findIndex((event) => event.position > reached);
    const now = later === -1 ? left : left.slice(0, later);
    left = left.slice(now.length);
    yield { events: entries.length === 0 ? now : inOrder(now, entries), position: reached };
    if (isLast) return;
  }
}

function inOrder(events: readonly StoredEvent[], entries: readonly StoredEvent[]): readonly StoredEvent[] {
  return [...events, ...entries].sort((a, b) => (a.position < b.position ? -1 : a.position > b.position ? 1 : 0));
}

/** All handlers that the log has on record, with how far each is: folded from their streams and journals, and followed from there. */
import type { Catalog } from "../catalog/catalog.ts";
import { readJournal, type Skip } from "../delivery/journal/journal-read.ts";
import { foldStored, lastState } from "../delivery/journal/last-snapshot.ts";
import type { PartitionState } from "../delivery/journal/state.ts";
import { firstPosition, sinceByStoredType, Wanted } from "../delivery/journal/wanted.ts";
import { isRepriseError } from "../errors.ts";
import type { Position, StoredEvent } from "../event/event.ts";
import { handlerStream, journalBeside } from "../event/names.ts";
import { partitionOf } from "../event/partition-of.ts";
import type { EventLog } from "../log/event-log.ts";
import type { HandlerStreamData } from "../records/handler.ts";
import { heldByHandler, type KnownHandler } from "./handler-hold.ts";
import type { Hold } from "./hold.ts";
import type { RecordedJournal } from "./journals/beginning.ts";

const prefix = handlerStream("");

interface Journal {
  readonly stream: string;
  /** Null: it cannot be read. */
  state: PartitionState | null;
  /** Of the next event to read. */
  next: number;
}

interface Recorded {
  configured: HandlerStreamData["handler.configured"] | null;
  /** The last configuration, of one that was retired since, too, and where that was. */
  lastConfigured: HandlerStreamData["handler.configured"] | null;
  /** Those before in which the handler had another number of partitions. */
  readonly divisions: HandlerStreamData["handler.configured"][];
  retiredAt: Position | null;
  isPaused: boolean;
  readonly skips: Map<string, Skip[]>;
  known: (KnownHandler & { readonly journals: readonly Journal[] }) | null;
}

export class HandlerRecords {
  static readonly prefixes: readonly string[] = [prefix];
  readonly #log: EventLog;
  readonly #catalog: Catalog;
  readonly #configured: ReadonlySet<string>;
  readonly #handlers = new Map<string, Recorded>();

  /** @param configured the names of the config's handlers. */
  constructor(log: EventLog, catalog: Catalog, configured: ReadonlySet<string>) {
    this.#log = log;
    this.#catalog = catalog;
    this.#configured = configured;
  }

  /** Streams of the journals of all handlers that are not retired. */
  get journals(): readonly { readonly stream: string; readonly handler: string; readonly state: PartitionState | null }[] {
    return [...this.#handlers.values()].flatMap(({ known }) => (known?.journals ?? []).map(({ stream, state }) => ({ stream, state, handler: known!.name })));
  }

  /** The journals of all handlers as they are divided now, or were when they were retired, then those of earlier divisions. Those that cannot be read are left out. */
  recordedJournals(): readonly RecordedJournal[] {
    const inForce: RecordedJournal[] = [];
    const earlier: RecordedJournal[] = [];
    for (const { lastConfigured, divisions, retiredAt, skips, known } of this.#handlers.values()) {
      if (lastConfigured === null) continue;
      const states = known?.journals ?? [];
      const amended = retiredAt === null ? amendmentsIn(states) : new Map<string, number>();
      const recorded = (configured: HandlerStreamData["handler.configured"], heirs: readonly RecordedJournal[]) => {
        const start = firstPosition({ stored: configured.stored ?? this.#storedOf(configured) });
        return streamsOf(configured).map((stream) => {
          const neededFrom = amended.get(stream) ?? Number.POSITIVE_INFINITY;
          return { stream, skips: skips.get(stream) ?? [], start, retiredAt, neededFrom, heirs };
        });
      };
      const now = recorded(lastConfigured, []);
      for (const [partition, journal] of now.entries()) if (retiredAt !== null || (states[partition]?.state ?? null) !== null) inForce.push(journal);
      // What is in force of an amendment in an earlier journal, each of those in force has to say.
      if (retiredAt === null && (states.length === 0 || states.some(({ state }) => state === null))) continue;
      const seen = new Set(now.map(({ stream }) => stream));
      for (const journal of divisions.flatMap((configured) => recorded(configured, now))) {
        if (!seen.has(journal.stream)) earlier.push(journal);
        seen.add(journal.stream);
      }
    }
    return [...inForce, ...earlier];
  }

  holdOf(event: StoredEvent): Hold | null {
    for (const { known } of this.#handlers.values()) {
      const hold = known === null ? null : heldByHandler(known, event);
      if (hold !== null) return hold;
    }
    return null;
  }

  /** Of the handlers that are not retired. */
  get names(): readonly string[] {
    return [...this.#handlers].filter(([, { known }]) => known !== null).map(([name]) => name);
  }

  wantedBy(event: StoredEvent): readonly string[] {
    const names: string[] = [];
    for (const [name, { known }] of this.#handlers) if (known?.wants(event)) names.push(name);
    return names;
  }

  /** An event of a handler's own stream, in the order of the log. */
  see({ stream, source, type, data, damage, position }: StoredEvent): void {
    if (source !== "reprise" || damage !== undefined || !stream.startsWith(prefix)) return;
    const name = stream.slice(prefix.length);
    const recorded = this.#handlers.get(name) ?? {
      ...{ configured: null, lastConfigured: null, divisions: [], retiredAt: null, isPaused: false },
      ...{ skips: new Map<string, Skip[]>(), known: null },
    };
    this.#handlers.set(name, recorded);
    switch (type) {
      case "handler.configured":
        if (recorded.lastConfigured !== null) recorded.divisions.push(recorded.lastConfigured);
        recorded.configured = recorded.lastConfigured = data as unknown as HandlerStreamData["handler.configured"];
        recorded.retiredAt = null;
        break;
      case "handler.retired":
        recorded.configured = null;
        recorded.retiredAt = position;
        recorded.isPaused = false;
        break;
      case "handler.paused":
      case "handler.resumed":
        recorded.isPaused = type === "handler.paused";
        break;
      case "handler.repaired": {
        const { journal, skipped } = data as unknown as HandlerStreamData["handler.repaired"];
        recorded.skips.set(journal, [...(recorded.skips.get(journal) ?? []), ...skipped]);
      }
    }
    recorded.known = null; // made anew by `follow`
  }

  /** Reads the journals to their ends. */
  async follow(): Promise<void> {
    for (const [name, recorded] of this.#handlers) {
      if (recorded.configured === null) continue;
      recorded.known ??= this.#makeKnown(name, recorded.configured, recorded.isPaused);
      for (const journal of recorded.known.journals) await this.#readOn(journal, recorded);
    }
  }

  #makeKnown(name: string, configured: HandlerStreamData["handler.configured"], isPaused: boolean) {
    const stored = configured.stored ?? this.#storedOf(configured);
    const { partitions } = configured;
    const journals = streamsOf(configured).map((stream): Journal => ({ stream, state: null, next: 0 }));
    const wanted = new Wanted({ stored });
    const stateOf = (stream: string) => journals[partitionOf(stream, partitions)]!.state;
    return { name, isConfigured: this.#configured.has(name), isPaused, wants: (event: StoredEvent) => wanted.has(event, true), stateOf, journals };
  }

  /** The first builds recorded the types of the catalog only. */
  #storedOf(configured: HandlerStreamData["handler.configured"]): Readonly<Record<string, string>> {
    const known = Object.keys(configured.types).filter((type) => this.#catalog.resolve(type) !== undefined);
    return {
      ...configured.types,
      ...Object.fromEntries(Array.from(sinceByStoredType(this.#catalog, known, configured, 0n), ([type, since]) => [type, String(since)])),
    };
  }

  async #readOn(journal: Journal, { configured, skips: skipped }: Recorded): Promise<void> {
    const { stream } = journal;
    const skips = skipped.get(stream) ?? [];
    try {
      if (journal.state === null) {
        const stored = configured!.stored ?? this.#storedOf(configured!);
        const { state, from } = await lastState(this.#log, stream, firstPosition({ stored }), skips);
        Object.assign(journal, { state, next: from });
      }
      const state = journal.state!;
      journal.next = 1 + (await readJournal({ log: this.#log, stream, from: journal.next, skips }, (event) => foldStored(state, event)));
    } catch (error) {
      if (!isRepriseError(error, "JOURNAL_DAMAGED")) throw error;
      journal.state = null; // nothing is known of what is done: it holds all that it wants
    }
  }
}

function streamsOf({ journal, partitions }: HandlerStreamData["handler.configured"]): readonly string[] {
  return Array.from({ length: partitions }, (_, partition) => journalBeside(journal, partitions, partition));
}

/** Revision of the first amendment that is in force in each journal that has any. */
function amendmentsIn(journals: readonly Journal[]): ReadonlyMap<string, number> {
  const first = new Map<string, number>();
  for (const { stream, state } of journals)
    for (const { letters } of state?.lanes.values() ?? [])
      for (const { amended } of letters.values()) {
        if (amended === null) continue;
        const { journal = stream, revision } = amended;
        first.set(journal, Math.min(revision, first.get(journal) ?? revision));
      }
  return first;
}

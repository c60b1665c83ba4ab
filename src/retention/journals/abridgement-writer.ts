/** Writes an abridgement beside the one before. It counts once `reprise.abridged` names it. */
import { isRepriseError, RepriseError } from "../../errors.ts";
import type { NewEvent } from "../../event/event.ts";
import type { NewId } from "../../event/ids.ts";
import { abridgedStream, abridgementOf } from "../../event/names.ts";
import { type Abridged, type AbridgedEntry, abridgedType, entriesType, packEntries } from "../../log/abridged/abridgement.ts";
import type { EventLog } from "../../log/event-log.ts";
import { ownEvent } from "../../records/own-event.ts";

/** Characters of the entries of one event. Whoever reads keeps those of one event of each journal. */
const packedChars = 128 * 1024;

interface WriterNeeds {
  readonly log: EventLog;
  readonly newId: NewId;
  /** Awaited after each event. */
  readonly rest: (done: number) => Promise<void>;
}

export class AbridgementWriter {
  readonly #needs: WriterNeeds;
  readonly #stream: string;
  readonly #first: number;
  #revision: number;
  #entries: AbridgedEntry[] = [];
  #chars = 0;

  private constructor(needs: WriterNeeds, stream: string, revision: number) {
    this.#needs = needs;
    this.#stream = stream;
    this.#revision = revision;
    this.#first = revision + 1;
  }

  static async begin(needs: WriterNeeds, journal: string): Promise<AbridgementWriter> {
    const stream = abridgementOf(journal);
    return new AbridgementWriter(needs, stream, await needs.log.streamRevision(stream));
  }

  async add(entries: readonly AbridgedEntry[]): Promise<void> {
    for (const entry of entries) {
      const chars = JSON.stringify(entry).length;
      if (this.#chars + chars > packedChars) await this.#pack();
      this.#entries.push(entry);
      this.#chars += chars;
    }
  }

  /** @param state as snapshot events. @returns where the abridgement stands. */
  async end(state: readonly { readonly type: string; readonly data: object }[]): Promise<Pick<Abridged, "entries" | "state" | "end">> {
    await this.#pack();
    const at = this.#revision + 1;
    for (const { type, data } of state) await this.#append(type, data);
    return { entries: this.#first, state: at, end: this.#revision + 1 };
  }

  async #pack(): Promise<void> {
    if (this.#entries.length === 0) return;
    await this.#append(entriesType, packEntries(this.#entries));
    this.#entries = [];
    this.#chars = 0;
  }

  async #append(type: string, data: object): Promise<void> {
    const { log, newId, rest } = this.#needs;
    this.#revision = await appendAt(log, this.#stream, ownEvent(newId, type, data), this.#revision);
    await rest(1);
  }
}

/** From now on the abridgement stands for the journal's beginning. */
export async function nameAbridgement({ log, newId }: Pick<WriterNeeds, "log" | "newId">, abridged: Abridged, revision: number): Promise<number> {
  return appendAt(log, abridgedStream, ownEvent(newId, abridgedType, abridged), revision);
}

/** @throws RETENTION_RUNNING when somebody else has written there: another run. */
async function appendAt(log: EventLog, stream: string, event: NewEvent, revision: number): Promise<number> {
  try {
    return (await log.append(stream, [event], revision === -1 ? "none" : revision)).at(-1)!.revision;
  } catch (error) {
    if (!isRepriseError(error, "REVISION_CONFLICT")) throw error;
    throw new RepriseError("RETENTION_RUNNING", "Another run has taken over.", { cause: error });
  }
}

/**
 * The stored forms of journals that were shortened; they only ever grow. A journal loses its beginning; what of it still matters stands in its *abridgement*, a
 * stream of its own: the state of the partition where the journal now begins, and the entries before it, each with the place where it stood. Entries of deliveries
 * that were over have lost their texts. Each abridgement is written whole, beside the one before, and counts once it is named in `reprise.abridged`.
 */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { RepriseError } from "../../errors.ts";
import type { Json, StoredEvent } from "../../event/event.ts";
import { abridgedStream, abridgementOf } from "../../event/names.ts";
import type { EventLog } from "../event-log.ts";

/** The data of `journal.abridged`, in `reprise.abridged`. */
export interface Abridged {
  readonly journal: string;
  /** The journal's entries below this revision are gone, or will be: the abridgement stands for them. */
  readonly before: number;
  /** Position of the last of them. */
  readonly through: string;
  /** Of deliveries that ended before this time, the texts of the attempts are gone. */
  readonly until: string;
  /** Revisions of the abridgement: from `entries` on the entries; from `state` on the state of the partition, as snapshot events; `end` is not of it any more. */
  readonly entries: number;
  readonly state: number;
  readonly end: number;
  /** Of a journal that is closed: all before its last append is abridged, and of no delivery are there texts. Nothing of it is due any more. */
  readonly settled?: boolean;
}

/** An entry of the journal, with the place where it stood. */
export type AbridgedEntry = readonly [revision: number, position: string, recordedAt: string, type: string, data: Json];

export const abridgedType = "journal.abridged";
/** An event of the abridgement with so many entries, in their order. `deflated` is their JSON, compressed, in base64. */
export const entriesType = "journal.entries";

/** Far more than `packEntries` is given at once: what does not fit was not made by it. */
const maxUnpackedBytes = 64 * 1024 * 1024;

export function packEntries(entries: readonly AbridgedEntry[]): { readonly deflated: string } {
  return { deflated: deflateRawSync(JSON.stringify(entries)).toString("base64") };
}

function unpackEntries({ deflated }: { readonly deflated: string }): readonly AbridgedEntry[] {
  return JSON.parse(inflateRawSync(Buffer.from(deflated, "base64"), { maxOutputLength: maxUnpackedBytes }).toString("utf8")) as readonly AbridgedEntry[];
}

type Reads = Pick<EventLog, "readStream">;

/** The last abridgement of each journal that was shortened, by the journal's stream. */
export async function readAbridged(log: Reads, signal?: AbortSignal): Promise<ReadonlyMap<string, Abridged>> {
  const journals = new Map<string, Abridged>();
  for await (const batch of log.readStream(abridgedStream, signal === undefined ? {} : { signal }))
    for (const { source, type, data } of batch) {
      if (source !== "reprise" || type !== abridgedType) continue;
      const abridged = data as unknown as Abridged;
      journals.set(abridged.journal, abridged);
    }
  return journals;
}

/**
 * An abridgement, an event's worth at a time: the entries, and at the end the state, as snapshot entries in the place of the last entry that is gone.
 *
 * @throws LOG_UNAVAILABLE when another abridgement has taken its place meanwhile: whoever asks again finds that one.
 */
export async function* entriesOf(log: Reads, { journal, before, through, entries, end }: Abridged): AsyncGenerator<readonly AbridgedEntry[], void> {
  for await (const { type, data, recordedAt } of eventsOf(log, journal, entries, end))
    yield type === entriesType ? unpackEntries(data as unknown as { readonly deflated: string }) : [[before - 1, through, recordedAt, type, data]];
}

/** The data of the snapshot events with the state at `before`. @throws LOG_UNAVAILABLE as above. */
export async function stateOf(log: Reads, { journal, state, end }: Abridged): Promise<readonly Json[]> {
  const parts: Json[] = [];
  for await (const { data } of eventsOf(log, journal, state, end)) parts.push(data);
  return parts;
}

async function* eventsOf(log: Reads, journal: string, from: number, end: number): AsyncGenerator<StoredEvent, void> {
  let next = from;
  for await (const batch of log.readStream(abridgementOf(journal), { from, limit: end - from }))
    for (const event of batch) {
      if (event.revision !== next) break;
      next++;
      yield event;
    }
  if (next !== end) throw new RepriseError("LOG_UNAVAILABLE", `The abridgement of ${journal} is not there as a whole any more.`);
}

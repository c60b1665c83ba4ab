import { RepriseError } from "../../errors.ts";
import type { Position, StoredEvent } from "../../event/event.ts";
import {
  abridgedStream,
  archivesStream,
  clusterStream,
  copyStream,
  forgottenStream,
  isEntityStream,
  logStream,
  ownTenant,
  replayStream,
  requestStream,
  retentionStream,
  truncatedStream,
} from "../../event/names.ts";
import { readAllWhole } from "../abridged/whole-journals.ts";
import type { EventLog } from "../event-log.ts";
import type { OwnEventRules } from "./copy-own-events.ts";

const ownOfEach: ReadonlySet<string> = new Set([
  ...[logStream, copyStream, forgottenStream, clusterStream, retentionStream, archivesStream, truncatedStream, abridgedStream],
]);
const prefixesOfEach = [requestStream(""), `${abridgedStream}-`];

/**
 * Each log has for itself: its id, the marks of copies, answers to requests, whose positions are the log's, the instances that share it, and what left it, because an
 * archive is that of one log. What is left of a journal's beginning is copied as entries of the journal.
 */
export const isLogsOwn = (stream: string): boolean => ownOfEach.has(stream) || prefixesOfEach.some((prefix) => stream.startsWith(prefix));

/** Entities and Reprise's own streams are copied. Streams of other programs are not, nor what each log has for itself. */
export function isCopied({ stream, tenant }: StoredEvent, wanted?: string): boolean {
  if (tenant === ownTenant) return !isLogsOwn(stream);
  return isEntityStream(stream) && (wanted === undefined || tenant === wanted);
}

export const isReplay = (stream: string): boolean => stream.startsWith(replayStream(""));

/** A replay belongs to one tenant. Its items, in the event after the request, say to which. A replay without items did nothing. */
export async function isReplayOf(source: EventLog, stream: string, { keeps }: OwnEventRules): Promise<boolean> {
  for await (const [event] of source.readStream(stream, { from: 1, limit: 1 })) {
    const { items } = event!.data as { readonly items?: readonly { readonly lane: string }[] };
    return items?.[0] !== undefined && keeps(items[0].lane);
  }
  return false;
}

export const walk = (log: EventLog, after: Position = 0n): AsyncGenerator<StoredEvent, void> => undamaged(log.readAll({ after }));

/** With the journals as wholes: a copy has no abridgements. */
export const walkWhole = (log: EventLog): AsyncGenerator<StoredEvent, void> => undamaged(readAllWhole(log));

async function* undamaged(batches: AsyncIterable<readonly StoredEvent[]>): AsyncGenerator<StoredEvent, void> {
  for await (const batch of batches) {
    const damage = batch.find((event) => event.damage !== undefined)?.damage;
    if (damage !== undefined) throw new RepriseError("LOG_DAMAGED", `Nothing is copied beyond ${damage.detail}.`);
    yield* batch;
  }
}

export async function* only(events: AsyncIterable<StoredEvent>, wanted: (event: StoredEvent) => boolean): AsyncGenerator<StoredEvent, void> {
  for await (const event of events) if (wanted(event)) yield event;
}

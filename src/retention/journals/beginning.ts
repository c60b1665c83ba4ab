/** The beginning of a journal that may be abridged, and how things stood at its end. */
import { isOwnEvent, isSkipped, type Skip } from "../../delivery/journal/journal-read.ts";
import { foldStored, lastState } from "../../delivery/journal/last-snapshot.ts";
import type { PartitionState } from "../../delivery/journal/state.ts";
import type { Position, StoredEvent } from "../../event/event.ts";
import { partitionOf } from "../../event/partition-of.ts";
import { type Abridged, type AbridgedEntry, entriesOf } from "../../log/abridged/abridgement.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { JournalData, JournalEvent } from "../../records/journal.ts";
import type { Standing } from "./abridger.ts";

/** A journal as the log has it on record. */
export interface RecordedJournal {
  readonly stream: string;
  readonly skips: readonly Skip[];
  /** The checkpoint of an empty one. */
  readonly start: Position;
  /** Where its handler was retired; null: it is not. All that waited for it is over then. */
  readonly retiredAt: Position | null;
  /** From this revision on it is needed as it is: an amendment that is in force stands there. */
  readonly neededFrom: number;
  /** Of an earlier division: the journals in which its lanes went on. Empty: it is in force. */
  readonly heirs: readonly RecordedJournal[];
}

export interface Beginning {
  /** Of the first entry that stays. */
  readonly before: number;
  readonly through: Position;
  readonly state: PartitionState;
  readonly standing: Standing;
  /** Nothing but the journal's last append stays. */
  readonly isAll: boolean;
}

/** How things stood in the journals in which the lanes of a closed one went on, where those begin now. */
export type Heirs = (lane: string) => { readonly state: PartitionState; readonly isRetired: boolean } | null;

interface Place {
  readonly log: EventLog;
  readonly journal: RecordedJournal;
  /** The abridgement that there is; null: none. */
  readonly abridged: Abridged | null;
  readonly signal: AbortSignal;
}

/** The journal's entries that are still there, up to the first that is not to be read like this: it was recorded too late, or it is not the journal's own. */
export async function* entriesFrom({ log, journal, abridged, signal }: Place, ends: (event: StoredEvent) => boolean): AsyncGenerator<StoredEvent, void> {
  const { stream, skips } = journal;
  let next = abridged?.before ?? 0;
  for await (const batch of log.readStream(stream, { from: next, damaged: "given", signal }))
    for (const event of batch) {
      for (; next < event.revision; next++) if (!isSkipped(skips, next)) return;
      next++;
      if (ends(event)) return;
      if (isSkipped(skips, event.revision)) continue;
      if (event.damage !== undefined && event.type === ("snapshot" satisfies JournalEvent["type"])) continue; // all that it says is said elsewhere
      if (event.damage !== undefined || !isOwnEvent(event)) return;
      yield event;
    }
}

/** @param until what was recorded from this time on stays. @returns null when nothing can go. */
export async function beginningOf(place: Place, until: string, heirs: Heirs): Promise<Beginning | null> {
  const { log, journal, abridged, signal } = place;
  const troubled = new Set<string>();
  // The last append stays whole: what a flush says first may be over only with what it says last.
  let lastAt = "";
  for await (const [last] of log.readStream(journal.stream, { direction: "backward", limit: 1, damaged: "given", signal })) lastAt = last!.recordedAt;
  let isAll = false;
  const ends = ({ revision, recordedAt }: StoredEvent) => {
    isAll = recordedAt >= lastAt && revision < journal.neededFrom;
    return revision >= journal.neededFrom || recordedAt >= lastAt || recordedAt >= until;
  };
  // Of a closed one more may be over than when it was abridged last, although it has nothing new.
  const isDueAgain = abridged !== null && journal.heirs.length > 0;
  let end: { readonly before: number; readonly through: Position } | null = isDueAgain ? { before: abridged.before, through: BigInt(abridged.through) } : null;
  for await (const event of entriesFrom(place, ends)) {
    noteTrouble(troubled, event.type, event.data);
    end = { before: event.revision + 1, through: event.position };
  }
  if (end === null) return null;
  if (abridged !== null)
    for await (const entries of entriesOf(log, abridged))
      for (const [, , , type, data] of entries) {
        noteTrouble(troubled, type, data);
        if (type === "progress") for (const [lane] of (data as unknown as JournalData["progress"]).ahead) troubled.add(lane);
      }
  const state = await stateAt(place, end.before);
  for (const lane of state.lanes.keys()) troubled.add(lane);
  const isRetired = isRetiredAt(journal, end.through);
  const isOver = (lane: string, revision: number, at: string) => {
    if (isRetired || hasOutcome(state, lane, revision, BigInt(at))) return true;
    const heir = heirs(lane);
    return heir !== null && (heir.isRetired || hasOutcome(heir.state, lane, revision, BigInt(at)));
  };
  return { ...end, isAll, state, standing: { isOver, wasInTrouble: (lane) => troubled.has(lane) } };
}

function isRetiredAt({ retiredAt }: RecordedJournal, through: Position): boolean {
  return retiredAt !== null && retiredAt <= through;
}

/** @param abridged of each journal that was shortened. */
export async function heirsOf(
  { log, signal }: Pick<Place, "log" | "signal">,
  { heirs }: RecordedJournal,
  abridged: ReadonlyMap<string, Abridged>,
): Promise<Heirs> {
  const begun: ReturnType<Heirs>[] = [];
  for (const journal of heirs) {
    const known = abridged.get(journal.stream);
    begun.push(
      known === undefined
        ? null
        : {
            state: await stateAt({ log, journal, abridged: known, signal }, known.before),
            isRetired: isRetiredAt(journal, BigInt(known.through)),
          },
    );
  }
  return (lane) => (begun.length === 0 ? null : begun[partitionOf(lane, begun.length)]!);
}

async function stateAt({ log, journal: { stream, skips, start }, signal }: Place, before: number): Promise<PartitionState> {
  const { state, from } = await lastState(log, stream, start, skips, before);
  if (from < before)
    for await (const batch of log.readStream(stream, { from, limit: before - from, damaged: "given", signal }))
      for (const event of batch)
        if (event.revision < before && event.damage === undefined && isOwnEvent(event) && !isSkipped(skips, event.revision)) foldStored(state, event);
  return state;
}

/** Entries before a place, abridged ones first. */
export async function* entriesBefore(place: Place, before: number): AsyncGenerator<readonly AbridgedEntry[], void> {
  if (place.abridged !== null) yield* entriesOf(place.log, place.abridged);
  for await (const { revision, position, recordedAt, type, data } of entriesFrom(place, (event) => event.revision >= before))
    yield [[revision, position.toString(), recordedAt, type, data]];
}

function hasOutcome({ lanes, checkpoint }: PartitionState, lane: string, revision: number, at: Position): boolean {
  const record = lanes.get(lane);
  if (record === undefined) return at <= checkpoint;
  return revision < record.next && !record.letters.has(revision);
}

/** A lane is in trouble when an entry is about it alone, or when the journal was begun with it: then it was in trouble in another one. */
function noteTrouble(troubled: Set<string>, type: string, data: AbridgedEntry[4]): void {
  if (type === "progress") {
    const { completed = [], attached = [], started = [] } = data as unknown as JournalData["progress"];
    for (const { lane } of completed) troubled.add(lane);
    for (const [lane] of [...attached, ...started]) troubled.add(lane);
  } else if (type === "letters.replayed") for (const [lane] of (data as unknown as JournalData["letters.replayed"]).letters) troubled.add(lane);
  else if (type === "snapshot") for (const { lane } of (data as unknown as JournalData["snapshot"]).lanes) troubled.add(lane);
  const { lane } = data as { readonly lane?: unknown };
  if (typeof lane === "string") troubled.add(lane);
}

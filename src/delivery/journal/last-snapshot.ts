import { RepriseError } from "../../errors.ts";
import type { Position, StoredEvent } from "../../event/event.ts";
import { abridgementOf } from "../../event/names.ts";
import { type Abridged, readAbridged, stateOf } from "../../log/abridged/abridgement.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { JournalData, JournalEvent } from "../../records/journal.ts";
import { fold } from "./fold.ts";
import { isOwnEvent, isSkipped, type Skip } from "./journal-read.ts";
import { fromSnapshot } from "./snapshot.ts";
import { emptyState, type PartitionState } from "./state.ts";

/**
 * The state to fold on from: that of the last complete snapshot, or, where the journal has none, that of its abridgement, or an empty one that begins at `start`.
 *
 * @param before only states below this revision; default: all.
 * @throws JOURNAL_DAMAGED, also when the journal has lost what is asked for.
 */
export async function lastState(log: Pick<EventLog, "readStream">, stream: string, start: Position, skips: readonly Skip[], before?: number) {
  const snapshot = before === 0 ? null : await lastSnapshot(log, stream, skips, before);
  if (snapshot !== null) return { state: unpack(stream, snapshot), snapshot, from: snapshot.first };
  const abridged = (await readAbridged(log)).get(stream);
  if (abridged === undefined) return { state: { ...emptyState(), checkpoint: start }, snapshot, from: 0 };
  if (before !== undefined && before < abridged.before) throw new RepriseError("JOURNAL_DAMAGED", `${stream} was shortened beyond revision ${before}.`);
  return { state: await abridgedState(log, abridged), snapshot, from: abridged.before };
}

/** The state where a journal that was shortened begins. @throws JOURNAL_DAMAGED */
async function abridgedState(log: Pick<EventLog, "readStream">, abridged: Abridged): Promise<PartitionState> {
  const parts = (await stateOf(log, abridged)) as unknown as readonly JournalData["snapshot"][];
  return unpack(abridgementOf(abridged.journal), { parts, first: abridged.state });
}

/** Folds an event of the log. @throws JOURNAL_DAMAGED */
export function foldStored(state: PartitionState, { stream, revision, type, data }: StoredEvent): void {
  if (type === "snapshot") return;
  try {
    fold(state, { type, data } as unknown as JournalEvent, revision);
  } catch (cause) {
    throw new RepriseError("JOURNAL_DAMAGED", `${stream} does not fold at revision ${revision} (${type}).`, { cause });
  }
}

/** @throws JOURNAL_DAMAGED */
function unpack(stream: string, { parts, first }: { readonly parts: readonly JournalData["snapshot"][]; readonly first: number }): PartitionState {
  try {
    return fromSnapshot(parts);
  } catch (cause) {
    throw new RepriseError("JOURNAL_DAMAGED", `${stream} has a snapshot at revision ${first} that cannot be read.`, { cause });
  }
}

/** The newest snapshot with all its parts, the parts in order, and where its first part stands. */
async function lastSnapshot(
  log: Pick<EventLog, "readStream">,
  stream: string,
  skips: readonly Skip[],
  before: number | undefined,
): Promise<{ readonly parts: readonly JournalData["snapshot"][]; readonly first: number; readonly bytes: number } | null> {
  let set: string | null = null;
  let parts: JournalData["snapshot"][] = [];
  for await (const batch of log.readStream(stream, { direction: "backward", damaged: "given", ...(before === undefined ? {} : { from: before - 1 }) }))
    for (const event of batch) {
      if (event.type !== "snapshot" || event.damage !== undefined || !isOwnEvent(event) || isSkipped(skips, event.revision)) continue;
      const part = snapshotOf(event);
      if (part.set !== set) {
        set = part.set;
        parts = [];
      }
      parts.unshift(part);
      if (part.part === 0 && parts.length === part.parts)
        return { parts, first: event.revision, bytes: parts.reduce((sum, each) => sum + JSON.stringify(each).length, 0) };
    }
  return null;
}

function snapshotOf(event: StoredEvent): JournalData["snapshot"] {
  return event.data as unknown as JournalData["snapshot"];
}

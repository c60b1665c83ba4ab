/** Cuts what one flush records into appends: an append is limited, and the lists of a flush are not. Pure. */
import type { JournalData, JournalEvent } from "../../records/journal.ts";

export interface AppendLimits {
  readonly events: number;
  readonly bytes: number;
}

/** Well below what one append takes: beside the data stand ids, names and times, and the last one takes operators' acts, too. */
const defaultLimits: AppendLimits = { events: 500, bytes: 256 * 1024 };

/**
 * Cuts a flush into appends that follow one another: facts first, then where the lanes stand, the checkpoint with the last. A journal that ends after any
 * of them is right, since each fact stands for itself, and the checkpoint never passes an event whose fact is not stored yet.
 *
 * @param checkpoint the one on record.
 */
export function divide(
  events: readonly JournalEvent[],
  checkpoint: bigint,
  limits: AppendLimits = defaultLimits,
): readonly (readonly [JournalEvent, ...JournalEvent[]])[] {
  const appends: [JournalEvent, ...JournalEvent[]][] = [];
  let bytes = 0;
  for (const event of events.flatMap((each) => inPieces(each, checkpoint, limits.bytes))) {
    const size = bytesOf(event.data);
    const last = appends.at(-1);
    if (last === undefined || last.length >= limits.events || bytes + size > limits.bytes) {
      appends.push([event]);
      bytes = 0;
    } else last.push(event);
    bytes += size;
  }
  return appends;
}

function inPieces(event: JournalEvent, checkpoint: bigint, bytes: number): readonly JournalEvent[] {
  if (event.type === "progress") return cut(event.data, checkpoint, bytes);
  if (event.type !== "letters.replayed") return [event];
  const { act, letters } = event.data;
  return slices(letters, bytes).map((some) => ({ type: "letters.replayed", data: { act, letters: some } }));
}

/** In the order in which they are folded. */
const lists = ["attached", "started", "completed", "ahead"] as const;

/** The lists of a progress, cut; the last piece moves the checkpoint. */
function cut(progress: JournalData["progress"], recorded: bigint, bytes: number): readonly JournalEvent[] {
  const pieces = lists.flatMap((name) =>
    slices<unknown>(progress[name] ?? [], bytes).map((some): JournalData["progress"] => ({ checkpoint: String(recorded), ahead: [], [name]: some })),
  );
  const last = pieces.pop() ?? { ahead: [] };
  return [...pieces, { ...last, checkpoint: progress.checkpoint }].map((data) => ({ type: "progress", data }));
}

/** Runs of a list that have about so many bytes of JSON, at least one entry each. */
export function slices<T>(list: readonly T[], bytes: number): readonly (readonly T[])[] {
  const runs: T[][] = [];
  let left = 0;
  for (const each of list) {
    const size = bytesOf(each) + 1;
    if (size > left) {
      runs.push([]);
      left = bytes;
    }
    runs.at(-1)!.push(each);
    left -= size;
  }
  return runs;
}

const bytesOf = (data: unknown): number => Buffer.byteLength(JSON.stringify(data));

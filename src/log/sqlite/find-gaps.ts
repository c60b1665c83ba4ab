import { isInside, type Zone } from "./find-holes.ts";
import type { Gap } from "./place-freely.ts";
import { columnsDamage, type EventRow } from "./row.ts";
import { headSum } from "./sums.ts";
import { allOf, type LostRowsOptions, walkRows } from "./walk-rows.ts";

const isWhole = (row: EventRow | undefined): boolean => row !== undefined && columnsDamage(row) === null;

/** The revisions that each stream has lost, upwards: those between its readable events. */
export async function findGaps(log: LostRowsOptions, touched: ReadonlySet<number>, holes: readonly Zone[]): Promise<readonly Gap[]> {
  const gaps: Gap[] = [];
  if (touched.size === 0) return gaps;
  const last = new Map([...touched].map((streamId) => [streamId, { revision: log.firstOf(streamId) - 1, position: 0 }]));
  const gap = (streamId: number, through: number, at: number): void => {
    const { revision, position } = last.get(streamId)!;
    gaps.push({ streamId, from: revision + 1, through, at, above: position });
  };
  await walkRows(log, { from: 0, columns: "stream_id, revision, previous" }, ([position, streamId, revision, previous]) => {
    const before = last.get(streamId!);
    if (before === undefined || revision! <= before.revision) return;
    if (revision! > before.revision + 1 && !isWhole(log.rowAt(position!))) return;
    if (revision! > before.revision + 1 && isInside(previous!, holes)) gap(streamId!, revision! - 1, previous!);
    last.set(streamId!, { revision: revision!, position: position! });
  });
  for (const [streamId, { revision }] of last) {
    const head = allOf(log, "select revision, position, sum from heads where stream_id = ?", streamId)?.[0];
    if (head === undefined) continue;
    const [through, position, sum] = head as readonly [number, number, number];
    if (through > revision && isInside(position, holes) && sum === headSum(streamId, through, position)) gap(streamId, through, position);
  }
  return gaps;
}

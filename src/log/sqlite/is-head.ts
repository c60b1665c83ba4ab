import { headSum } from "./sums.ts";

/** Whether a row of `heads` can be trusted. */
export function isHead(streamId: number, revision: number | null, position: number | null, sum: number | null): boolean {
  return revision !== null && position !== null && sum === headSum(streamId, revision, position);
}

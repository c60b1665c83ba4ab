/**
 * Copies a log, or one tenant of it, into another: same ids, revisions, times and relative order; positions are the target's own, so those that journals name are
 * mapped. Works on the port alone.
 *
 * The target itself shows what was copied, not a note about it: both logs are walked side by side, and appending begins where the target ends.
 * Appends are stored in log order, so a killed copy has left a beginning of the source. The next run goes on behind it, or refuses a target that holds
 * anything else.
 */

import { bring } from "./bring.ts";
import { check } from "./check-source.ts";
import { compare } from "./compare.ts";
import { isUnfinishedCopy, markCopy } from "./copy-marker.ts";
import { type CopyOptions, CopyRefused, type CopyReport, markOf } from "./copy-options.ts";
import { openCopyScratch } from "./copy-scratch.ts";

/**
 * @throws CopyRefused; LOG_NEWER for events of Reprise's own that this build does not know; what the port's reads and appends throw.
 */
export async function copyLog(options: CopyOptions): Promise<CopyReport> {
  const { source, target, verify, signal } = options;
  if (source.logId === target.logId) throw new CopyRefused("Source and target are the same log.");
  if (await isUnfinishedCopy(source)) throw new CopyRefused("The source is itself a copy that has not come to its end.");
  const scratch = openCopyScratch();
  try {
    const { total, passedOver } = await check(options, scratch);
    scratch.restartRevisions();
    const { copied, present } = await bring(options, scratch, total);
    const complete = !signal.aborted;
    const verified = verify && complete ? await compare(options, scratch, total) : null;
    // A copy with differences, or one whose comparison was cut off, is not marked as whole: no service may start on it.
    const isWhole = complete && !(verify && verified === null) && (verified?.differing.total ?? 0) === 0;
    if (isWhole && (await isUnfinishedCopy(target))) await markCopy(target, "copy.ended", markOf(options));
    return { copied, present, passedOver, verified, complete: !signal.aborted };
  } finally {
    scratch.close();
  }
}

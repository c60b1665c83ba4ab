/** Makes the rules by which events leave the log, and finds what in them does not fit together. */
import { isAbsolute } from "node:path";
import {
  daysMs,
  longestRetentionMs,
  type RetentionDefinition,
  type RetentionDefinitions,
  type RetentionRule,
  retentionMs,
} from "../retention/retention-rule.ts";
import { invalid, show } from "./refuse.ts";

/** @throws CONFIG_INVALID */
export function makeRetentionRules(definitions: RetentionDefinitions): readonly RetentionRule[] {
  return Object.entries(definitions).map(([entityType, definition]) => {
    const field = `retention.${entityType}`;
    checkArchive(`${field}.archive`, definition.archive);
    return { entityType, afterMs: afterOf(field, definition), keepLast: definition.keepLast ?? 0, archive: definition.archive };
  });
}

function afterOf(field: string, { afterDays, after }: RetentionDefinition): number {
  if (after === undefined) {
    if (afterDays === undefined) throw invalid(field, 'does not say how long events are kept: give it afterDays: 90, or after: "36h"');
    return Math.max(1, daysMs(afterDays));
  }
  if (afterDays !== undefined) throw invalid(`${field}.after`, "says what afterDays says, too: keep one of them");
  const ms = retentionMs(after);
  if (ms === null || ms < 1 || ms > longestRetentionMs)
    throw invalid(`${field}.after`, `is ${show(after)}: it must be a number and s, m, h, d or w, such as "36h" or "90d", more than 0 and at most 36,500 days`);
  return ms;
}

function checkArchive(field: string, url: string): void {
  const bad = (problem: string) => invalid(field, `is ${show(shownArchive(url))}: ${problem}`);
  if (url.startsWith("file:")) {
    const path = url.slice("file:".length);
    if (!isAbsolute(path) || path === "/" || path.includes("\0")) throw bad('it must name a folder by its whole path, "file:/srv/archive"');
    return;
  }
  if (!url.startsWith("s3://")) throw bad('it must be "file:/srv/archive" or "s3://bucket/prefix"');
  if (url.includes("@") || url.includes("?")) throw bad("it must hold no keys: they come by the environment, a file or a function");
  if (!/^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/|$)/.test(url)) throw bad('it must name a bucket, "s3://bucket/prefix"');
}

/** Without what may be a key. */
function shownArchive(url: string): string {
  return url.replace(/\?.*$/s, "").replace(/^([^/]*:)?(\/\/)?[^/]*@/, "$1$2");
}

import type { RetentionRule } from "../../src/retention/retention-rule.ts";

const hourMs = 3_600_000;

/** Three rules, for events an hour apart. */
export function retentionRules(archive: string): readonly RetentionRule[] {
  return [
    { entityType: "order", afterMs: 100 * hourMs, keepLast: 0, archive: `file:${archive}` },
    { entityType: "chat", afterMs: 50 * hourMs, keepLast: 2, archive: `file:${archive}` },
    { entityType: "trace", afterMs: hourMs, keepLast: 0, archive: `file:${archive}` },
  ];
}

/** What a list made by force says may go: of each stream, how many of its first events. @param recordedMs of a stream's events. */
export function goesByForce(stream: string, recordedMs: readonly number[], nowMs: number): number {
  const rule = retentionRules("/").find(({ entityType }) => stream.includes(`.${entityType}-`));
  if (rule === undefined) return 0;
  let goes = 0;
  while (goes < recordedMs.length - rule.keepLast && nowMs - recordedMs[goes]! >= rule.afterMs) goes++;
  return goes;
}

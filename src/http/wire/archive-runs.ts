/** Runs that archive events, and what they find. */
import { z } from "zod";
import { holdKinds } from "../../retention/hold.ts";
import type { ArchiveRun } from "../../retention/run-report.ts";
import { actRequest } from "./members.ts";
import { count } from "./reply-members.ts";

export const archiveRunRequest = actRequest.extend({ dry_run: z.boolean().optional() });

export const archiveRunReply = z.strictObject({
  id: z.string(),
  dry_run: z.boolean(),
  state: z.enum(["running", "completed", "stopped", "failed"]),
  started_at: z.string(),
  ended_at: z.string().nullable(),
  why: z.string().nullable(),
  /** What goes by each rule, and what is old enough and stays. */
  rules: z.array(
    z.strictObject({
      entity_type: z.string(),
      before: z.string(),
      keep_last: count,
      archive: z.string(),
      events: count,
      entities: count,
      held_back: count.nullable(),
    }),
  ),
  held_back: z.array(
    z.strictObject({
      kind: z.enum(holdKinds),
      name: z.string().nullable(),
      reason: z.string(),
      events: count,
      entities: count,
      examples: z.array(z.strictObject({ tenant: z.string(), entity: z.strictObject({ type: z.string(), id: z.string() }), revision: count })),
    }),
  ),
  archived: count,
  segments: count,
  removed: count,
  forgotten: count,
  freed_bytes: count,
  owed: z.string().nullable(),
});

export type ArchiveRunReply = z.input<typeof archiveRunReply>;

export function toArchiveRunReply(run: ArchiveRun): ArchiveRunReply {
  const { id, dryRun, state, startedAt, endedAt, why, rules, held, archived, segments, removed, forgotten, freedBytes, owed } = run;
  return {
    ...{ id, dry_run: dryRun, state, started_at: startedAt, ended_at: endedAt, why },
    rules: rules.map(({ entityType, before, keepLast, archive, events, entities, held }) => ({
      ...{ entity_type: entityType, before, keep_last: keepLast, archive, events, entities, held_back: held },
    })),
    held_back: held.map(({ examples, ...one }) => ({ ...one, examples: examples.map((example) => ({ ...example, entity: { ...example.entity } })) })),
    ...{ archived, segments, removed, forgotten, freed_bytes: freedBytes, owed },
  };
}

/** The shape of `retention` and `retentionPace` in the config. */
import { z } from "zod";
import { entityTypePattern } from "../event/names.ts";
import { fields, whole } from "./fields.ts";

const daysText = "must be a number of days, more than 0 and at most 36,500";

const ruleShape = fields(
  {
    afterDays: z.number({ error: daysText }).gt(0, { error: daysText }).max(36_500, { error: daysText }).optional(),
    after: z.string({ error: 'must be a time, "36h" or "90d"' }).optional(),
    keepLast: whole(1, 1_000_000).optional(),
    archive: z.string({ error: 'must say where events go first: "file:/srv/archive" or "s3://bucket/prefix"' }),
  },
  'must be an object, { afterDays: 90, archive: "file:/srv/archive" }',
);

const nameText = "must be the name of an entity type: lower-case letters, digits and _, beginning with a letter";

export const retentionShape = z.record(z.string().regex(entityTypePattern, { error: nameText }), ruleShape, {
  error: (issue) => (issue.code === "invalid_key" ? nameText : 'must be an object by entity type, { order: { afterDays: 90, archive: "file:/srv/archive" } }'),
});

export const retentionPaceShape = fields(
  { everyMs: whole(60_000, 7 * 86_400_000).optional(), eventsPerSecond: whole(1, 1_000_000).optional() },
  "must be an object, { everyMs: 3600000, eventsPerSecond: 1000 }",
);

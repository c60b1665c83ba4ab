/** The shape of the whole config. */

import { z } from "zod";
import { maxVersions } from "../catalog/define.ts";
import type { DeliveryLimits } from "../delivery/limits.ts";
import { isBuild } from "../event/build.ts";
import { alertShape } from "./alert-shape.ts";
import { custom, eventDefinition, fields, nameShape, upcasterChain, whole } from "./fields.ts";
import { handlerShape } from "./handler-shape.ts";
import { integrationShape } from "./integration-shape.ts";
import { retentionPaceShape, retentionShape } from "./retention-shape.ts";

const migrationShape = fields(
  {
    name: nameShape,
    event: eventDefinition,
    version: whole(1, maxVersions),
    migrate: custom((value) => typeof value === "function", "must be a function"),
  },
  "must be made by defineMigration",
);

const limitsShape = fields(
  {
    readAheadEvents: whole(1, 1_000_000).optional(),
    readAheadBytes: whole(1, 4 * 1024 ** 3).optional(),
    laneQueueEvents: whole(1, 100_000).optional(),
    recordedLanes: whole(1, 10_000_000).optional(),
    flushOutcomes: whole(1, 10_000).optional(),
    flushMs: whole(1, 10_000).optional(),
    slowMs: whole(1, 3_600_000).optional(),
    maxCrashes: whole(1, 100).optional(),
  } satisfies Record<keyof DeliveryLimits, z.ZodType>,
  "must be an object, { readAheadEvents: 4096 }",
);

export const configShape = fields(
  {
    events: z.array(eventDefinition, { error: "must be a list of event definitions, [orderPlaced]" }),
    upcasters: z.array(upcasterChain, { error: "must be a list of what defineUpcasters makes" }).optional(),
    migrations: z.array(migrationShape, { error: "must be a list of what defineMigration makes" }).optional(),
    handlers: z.array(handlerShape, { error: "must be a list of handlers" }).optional(),
    integrations: z.array(integrationShape, { error: "must be a list of what defineIntegration makes" }).optional(),
    alerts: z.array(alertShape, { error: "must be a list of alerts" }).max(100, { error: "must be at most 100 alerts" }).optional(),
    retention: retentionShape.optional(),
    retentionPace: retentionPaceShape.optional(),
    archiveCredentials: custom((value) => typeof value === "function", "must be a function that gives { accessKeyId, secretAccessKey }").optional(),
    build: custom<string>(isBuild, "must be a text of 1 to 64 characters without blanks").optional(),
    limits: limitsShape.optional(),
  },
  "must be an object: export default defineConfig({ events: […] })",
);

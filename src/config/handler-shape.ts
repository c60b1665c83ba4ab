/** The shape of a handler in the config. */

import { z } from "zod";
import type { EscalateRule, Jitter, PresetName } from "../delivery/handler.ts";
import { maxDelayMs } from "../delivery/policy/waits.ts";
import type { CurrentEvent } from "../event/event.ts";
import { eventTypePattern } from "../event/names.ts";
import { maxPartitions } from "../event/partition-of.ts";
import { between, custom, eventDefinition, fields, nameShape, oneOf, whole } from "./fields.ts";
import { breakerShape } from "./integration-shape.ts";
import { presets } from "./presets.ts";
import { headersShape, secretsShape, urlShape } from "./webhook-fields.ts";

const maxTimeoutMs = 900_000;
const maxElapsedMs = 366 * 86_400_000;
const scheduleText = "must be a list of 1 to 100 waits in milliseconds, [1000, 5000, 60_000]";

const retryShape = fields(
  {
    maxAttempts: whole(1, 1000).optional(),
    initialDelayMs: whole(0, maxDelayMs).optional(),
    factor: between(1, 100).optional(),
    maxDelayMs: whole(0, maxDelayMs).optional(),
    schedule: z.array(whole(0, maxDelayMs), { error: scheduleText }).min(1, { error: scheduleText }).max(100, { error: scheduleText }).optional(),
    maxElapsedMs: whole(1, maxElapsedMs).optional(),
    jitter: custom<Jitter>(isJitter, 'must be "none", "full", "equal" or a ratio from 0 to 1').optional(),
    timeoutMs: whole(1, maxTimeoutMs).optional(),
    nonRetryable: z
      .array(z.string({ error: "must be the name of an error class" }).min(1, { error: "must be the name of an error class" }), {
        error: "must be a list of names of error classes",
      })
      .optional(),
    onExhausted: oneOf("dead_letter", "skip", "escalate").optional(),
  },
  "must be an object, { maxAttempts: 3 }",
);

const commonShape = {
  name: nameShape,
  ordering: oneOf("strict", "relaxed").optional(),
  concurrency: whole(1, 256).optional(),
  startFrom: oneOf("beginning", "now").optional(),
  partitions: whole(1, maxPartitions).optional(),
  preset: oneOf(...(Object.keys(presets) as [PresetName, ...PresetName[]])).optional(),
  integration: nameShape.optional(),
  breaker: breakerShape.optional(),
  retry: retryShape.optional(),
  retryByType: z.record(z.string(), retryShape, { error: 'must map event types to retry options, { "order.placed": { maxAttempts: 1 } }' }).optional(),
  timeoutMs: whole(1, maxTimeoutMs).optional(),
  record: oneOf("batch", "each").optional(),
  unknownOutcome: oneOf("repeat", "escalate").optional(),
  escalate: custom<EscalateRule>((value) => typeof value === "function", "must be a function that answers with a reason or with false").optional(),
  escalation: fields(
    { dueInMs: whole(10, maxElapsedMs).optional(), onDue: oneOf("wait", "reject").optional() },
    'must be an object, { dueInMs: 86_400_000, onDue: "wait" }',
  ).optional(),
  fingerprint: custom<(error: Error, event: CurrentEvent) => string>(
    (value) => typeof value === "function",
    "must be a function, (error, event) => string",
  ).optional(),
};

const functionShape = fields(
  {
    kind: z.literal("function"),
    ...commonShape,
    dryRun: z.boolean({ error: "must be true or false" }).optional(),
    events: z.array(eventDefinition, { error: "must be a list of event definitions" }).optional(),
    ignore: z.array(z.string({ error: "must be an event type" }), { error: "must be a list of event types" }).optional(),
    on: z.record(
      z.string(),
      custom((value) => typeof value === "function", "must be a function"),
      { error: "must map event types to functions" },
    ),
  },
  "must be made by defineHandler",
);

const typeText = 'must be an event type, or "*" alone for all of the catalog';

const webhookShape = fields(
  {
    kind: z.literal("webhook"),
    ...commonShape,
    url: urlShape,
    events: z
      .array(
        custom<string>((value) => value === "*" || (typeof value === "string" && eventTypePattern.test(value)), typeText),
        { error: 'must be a list of event types, or ["*"]' },
      )
      .min(1, { error: 'must have at least one event type, or be ["*"]' }),
    secret: secretsShape.optional(),
    headers: headersShape.optional(),
  },
  "must be made by webhookHandler",
);

export const handlerShape = z.discriminatedUnion("kind", [functionShape, webhookShape], { error: "must be made by defineHandler or webhookHandler" });

function isJitter(value: unknown): boolean {
  return typeof value === "number" ? value >= 0 && value <= 1 : value === "none" || value === "full" || value === "equal";
}

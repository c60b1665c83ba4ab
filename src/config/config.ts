import { z } from "zod";
import type { Catalog } from "../catalog/catalog.ts";
import { type EventDefinition, maxVersions, type UpcasterChain } from "../catalog/define.ts";
import { makeCatalog } from "../catalog/make-catalog.ts";
import { type MigrationDefinition, type Migrations, makeMigrations } from "../catalog/migration.ts";
import { below } from "../catalog/places.ts";
import { shownUrl } from "../delivery/attempt/secrets.ts";
import { headerProblem } from "../delivery/attempt/webhook-headers.ts";
import type { HandlerDefinition, Jitter, RetryOptions } from "../delivery/handler.ts";
import type { HandlerSpec, RetryPolicy } from "../delivery/handler-spec.ts";
import { type DeliveryLimits, defaultDeliveryLimits } from "../delivery/limits.ts";
import { maxDelayMs } from "../delivery/policy/waits.ts";
import { isRepriseError, RepriseError } from "../errors.ts";
import { eventTypePattern, handlerNamePattern } from "../event/names.ts";
import { messageOf, typeOf } from "../event/thrown.ts";
import { isThrownByUser, userPlaceOf } from "../event/user-place.ts";

/** What one Reprise is made of: the default export of a config file. */
export interface Config {
  /** All event types, made by `defineEvent`. */
  readonly events: readonly EventDefinition[];
  /** The steps of every type that has more than one version, made by `defineUpcasters`. */
  readonly upcasters?: readonly UpcasterChain[];
  /** One-off repairs of dead letters, made by `defineMigration`; an operator names one when replaying. */
  readonly migrations?: readonly MigrationDefinition[];
  /** Made by `defineHandler` and `webhookHandler`. */
  readonly handlers?: readonly HandlerDefinition[];
  /** What bounds each handler's memory, records and waits; what is left out keeps its default. */
  readonly limits?: Partial<DeliveryLimits>;
}

/** A config as `checkConfig` found it good. */
export interface CheckedConfig {
  readonly catalog: Catalog;
  readonly migrations: Migrations;
  readonly handlers: readonly HandlerSpec[];
  readonly limits: DeliveryLimits;
}

/** Gives a config file its types; it is checked when the service starts or the store opens. */
export function defineConfig(config: Config): Config {
  return config;
}

/**
 * Checks all of a config, builds its catalog and fills in the handlers' defaults.
 *
 * @throws CONFIG_INVALID naming the field, its value (never that of a secret or header) and the fix, and what `makeCatalog` throws.
 */
export function checkConfig(config: Config): CheckedConfig {
  try {
    return check(config);
  } catch (error) {
    // A getter of the user's.
    if (isRepriseError(error) || !isThrownByUser(error)) throw error;
    throw new RepriseError("CONFIG_INVALID", `The config cannot be read at ${userPlaceOf(error)}: ${typeOf(error)}: ${messageOf(error)}`, { cause: error });
  }
}

function check(config: Config): CheckedConfig {
  const shape = configShape.safeParse(config);
  if (!shape.success) throw refuse(shape.error, config);
  const { events, upcasters = [], migrations = [], handlers = [], limits } = config;
  const catalog = makeCatalog({ events, upcasters });
  checkMigrations(migrations, events, catalog);
  const names = new Map<string, number>();
  const specs = handlers.map((handler, index) => {
    const twin = names.get(handler.name);
    if (twin !== undefined)
      throw invalid(`handlers[${index}].name`, `is ${show(handler.name)}, the name of handlers[${twin}] too: give each handler a name of its own`);
    names.set(handler.name, index);
    return makeSpec(handler, `handlers[${index}]`, catalog, events);
  });
  return { catalog, migrations: makeMigrations(catalog, migrations), handlers: specs, limits: { ...defaultDeliveryLimits, ...defined(limits ?? {}) } };
}

/** Each has a name of its own, and an event type and version that the catalog has. */
function checkMigrations(migrations: readonly MigrationDefinition[], events: readonly EventDefinition[], catalog: Catalog): void {
  const names = new Set<string>();
  for (const [index, { name, event, version }] of migrations.entries()) {
    const place = `migrations[${index}]`;
    if (names.has(name)) throw invalid(`${place}.name`, `is ${show(name)}, the name of an earlier one too: give each migration a name of its own`);
    names.add(name);
    if (!events.includes(event)) throw invalid(`${place}.event`, `is ${show(event.type)}, whose definition is not in \`events\`: list it there`);
    const { versions } = catalog.describe(event.type)!;
    if (!versions.includes(version)) throw invalid(`${place}.version`, `is ${show(version)}: ${event.type} has versions ${versions.join(", ")}`);
  }
}

const defaultTimeoutMs = 15_000;
const maxTimeoutMs = 900_000;
const defaultPolicy: RetryPolicy = {
  maxAttempts: 3,
  initialDelayMs: 2000,
  factor: 2,
  maxDelayMs: 60_000,
  jitter: "none",
  timeoutMs: defaultTimeoutMs,
  nonRetryable: [],
  onExhausted: "dead_letter",
};

function makeSpec(definition: HandlerDefinition, field: string, catalog: Catalog, all: readonly EventDefinition[]): HandlerSpec {
  const types = typesOf(definition, field, catalog, all);
  const base: RetryPolicy = { ...defaultPolicy, timeoutMs: definition.timeoutMs ?? defaultTimeoutMs, ...defined(definition.retry ?? {}) };
  checkPolicy(base, `${field}.retry`);
  const byType = new Map<string, RetryPolicy>();
  for (const [type, overrides] of Object.entries(definition.retryByType ?? {})) {
    const place = `${field}.retryByType[${show(type)}]`;
    if (!types.includes(type)) throw invalid(place, `is for an event type that the handler does not take: it takes ${types.join(", ")}`);
    const policy = { ...base, ...defined(overrides) };
    checkPolicy(policy, place);
    byType.set(type, policy);
  }
  return {
    name: definition.name,
    types,
    ordering: definition.ordering ?? "strict",
    concurrency: definition.concurrency ?? 16,
    startFrom: definition.startFrom ?? null,
    record: definition.record ?? "batch",
    unknownOutcome: definition.unknownOutcome ?? "repeat",
    policy: (eventType) => byType.get(eventType) ?? base,
    definition,
    endpoint: definition.kind === "webhook" ? shownUrl(definition.url) : null,
  };
}

/** Current types that a handler wants, sorted; each must be in the catalog. */
function typesOf(definition: HandlerDefinition, field: string, catalog: Catalog, all: readonly EventDefinition[]): readonly string[] {
  if (definition.kind === "webhook" && definition.events.includes("*")) {
    if (definition.events.length > 1) throw invalid(`${field}.events`, 'has "*" beside other types: "*" alone means all of the catalog');
    return catalog.types;
  }
  const named =
    definition.kind === "webhook"
      ? definition.events.map((type, index) => ({ type, place: `${field}.events[${index}]` }))
      : handledTypes(definition, field, all);
  const types = new Set<string>();
  for (const { type, place } of named) {
    const current = catalog.resolve(type);
    if (current === undefined)
      throw invalid(
        place,
        `is ${show(type)}, which is no event type of the catalog: correct the name, or list its definition in \`events\`; known are ${list(catalog.types)}`,
      );
    if (current !== type) throw invalid(place, `is ${show(type)}, the former name of ${show(current)}: use the current one`);
    if (types.has(type)) throw invalid(place, `is ${show(type)}, which is listed already: remove one of the two`);
    types.add(type);
  }
  return [...types].sort();
}

function handledTypes(
  definition: Extract<HandlerDefinition, { kind: "function" }>,
  field: string,
  all: readonly EventDefinition[],
): readonly { readonly type: string; readonly place: string }[] {
  const handled = Object.keys(definition.on);
  if (handled.length === 0)
    throw invalid(`${field}.on`, 'is empty: map at least one event type to a function, { "order.placed": async (event, context) => { … } }');
  // The config's own list gives `on` its types, no more; a list of the handler's own says what it wants.
  const idle = definition.events === undefined || definition.events === all ? [] : definition.events.filter(({ type }) => !Object.hasOwn(definition.on, type));
  if (idle.length > 0)
    throw invalid(
      `${field}.events`,
      `lists ${list(idle.map(({ type }) => type))}, for which \`on\` has no function, so that it would never be delivered: add it to \`on\`, or take it off the list`,
    );
  return handled.map((type) => ({ type, place: `${field}.on[${show(type)}]` }));
}

/** No value may change its meaning silently: a first wait beyond the longest one would be cut. */
function checkPolicy({ initialDelayMs, maxDelayMs }: RetryPolicy, field: string): void {
  if (initialDelayMs > maxDelayMs)
    throw invalid(`${field}.initialDelayMs`, `is ${initialDelayMs}, above maxDelayMs, which is ${maxDelayMs}: raise maxDelayMs or lower initialDelayMs`);
}

/** Without the members that are `undefined`: those are left out, not set. */
function defined<T extends RetryOptions | Partial<DeliveryLimits>>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> };
}

// The shape. Each text says what the field must be; `refuse` puts the field's name and value before it.

const whole = (min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};
const between = (min: number, max: number) => {
  const error = `must be a number from ${min} to ${max}`;
  return z.number({ error }).min(min, { error }).max(max, { error });
};
const oneOf = <const T extends readonly [string, ...string[]]>(...values: T) =>
  z.enum(values, { error: `must be ${values.map((value) => `"${value}"`).join(" or ")}` });
const custom = <T>(check: (value: unknown) => boolean, error: string) => z.custom<T>(check, { error });
const fields = <T extends z.core.$ZodShape>(shape: T, error: string) =>
  z.strictObject(shape, { error: (issue) => (issue.code === "unrecognized_keys" ? undefined : error) });

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null && !Array.isArray(value);
const eventDefinition = custom(
  (value) => isRecord(value) && typeof value.type === "string" && isRecord(value.schemas) && Array.isArray(value.formerly),
  "must be made by defineEvent",
);
const upcasterChain = custom(
  (value) => isRecord(value) && isRecord(value.event) && typeof value.event.type === "string" && isRecord(value.steps),
  "must be made by defineUpcasters",
);

const nameText = `must be 1 to 63 lower-case letters, digits and "-", beginning with a letter`;
const nameShape = z.string({ error: nameText }).regex(handlerNamePattern, { error: nameText });

const migrationShape = fields(
  {
    name: nameShape,
    event: eventDefinition,
    version: whole(1, maxVersions),
    migrate: custom((value) => typeof value === "function", "must be a function"),
  },
  "must be made by defineMigration",
);

const retryShape = fields(
  {
    maxAttempts: whole(1, 1000).optional(),
    initialDelayMs: whole(0, maxDelayMs).optional(),
    factor: between(1, 100).optional(),
    maxDelayMs: whole(0, maxDelayMs).optional(),
    jitter: custom<Jitter>(isJitter, 'must be "none", "full", "equal" or a ratio from 0 to 1').optional(),
    timeoutMs: whole(1, maxTimeoutMs).optional(),
    nonRetryable: z
      .array(z.string({ error: "must be the name of an error class" }).min(1, { error: "must be the name of an error class" }), {
        error: "must be a list of names of error classes",
      })
      .optional(),
    onExhausted: oneOf("dead_letter", "skip").optional(),
  },
  "must be an object, { maxAttempts: 3 }",
);

const commonShape = {
  name: nameShape,
  ordering: oneOf("strict", "relaxed").optional(),
  concurrency: whole(1, 256).optional(),
  startFrom: oneOf("beginning", "now").optional(),
  retry: retryShape.optional(),
  retryByType: z.record(z.string(), retryShape, { error: 'must map event types to retry options, { "order.placed": { maxAttempts: 1 } }' }).optional(),
  timeoutMs: whole(1, maxTimeoutMs).optional(),
  record: oneOf("batch", "each").optional(),
  unknownOutcome: oneOf("repeat", "escalate").optional(),
};

const functionShape = fields(
  {
    kind: z.literal("function"),
    ...commonShape,
    dryRun: z.boolean({ error: "must be true or false" }).optional(),
    events: z.array(eventDefinition, { error: "must be a list of event definitions" }).optional(),
    on: z.record(
      z.string(),
      custom((value) => typeof value === "function", "must be a function"),
      { error: "must map event types to functions" },
    ),
  },
  "must be made by defineHandler",
);

const webhookUrl = "must be an http or https URL without credentials (they belong in `headers`)";
const secretText = 'must be "whsec_" and 24 to 64 random bytes in base64 (whsec_$(openssl rand -base64 32))';
const secretShape = custom<string>(isSecret, secretText);
const typeText = 'must be an event type, or "*" alone for all of the catalog';
const webhookShape = fields(
  {
    kind: z.literal("webhook"),
    ...commonShape,
    url: custom<string>(isWebhookUrl, webhookUrl),
    events: z
      .array(
        custom<string>((value) => value === "*" || (typeof value === "string" && eventTypePattern.test(value)), typeText),
        { error: 'must be a list of event types, or ["*"]' },
      )
      .min(1, { error: 'must have at least one event type, or be ["*"]' }),
    secret: z.union([secretShape, z.array(secretShape).min(1).max(10)], { error: `${secretText}, or a list of 1 to 10 of them` }).optional(),
    headers: z
      .record(z.string(), z.string({ error: "must be a text" }), { error: "must map header names to texts" })
      .superRefine((headers, context) => {
        for (const [name, value] of Object.entries(headers)) {
          const detail = headerProblem(name, value);
          if (detail !== null) context.addIssue({ code: "custom", path: [name], message: detail });
        }
      })
      .optional(),
  },
  "must be made by webhookHandler",
);

const handlerShape = z.discriminatedUnion("kind", [functionShape, webhookShape], { error: "must be made by defineHandler or webhookHandler" });

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

const configShape = fields(
  {
    events: z.array(eventDefinition, { error: "must be a list of event definitions, [orderPlaced]" }),
    upcasters: z.array(upcasterChain, { error: "must be a list of what defineUpcasters makes" }).optional(),
    migrations: z.array(migrationShape, { error: "must be a list of what defineMigration makes" }).optional(),
    handlers: z.array(handlerShape, { error: "must be a list of handlers" }).optional(),
    limits: limitsShape.optional(),
  },
  "must be an object: export default defineConfig({ events: […] })",
);

function isJitter(value: unknown): boolean {
  return typeof value === "number" ? value >= 0 && value <= 1 : value === "none" || value === "full" || value === "equal";
}

function isWebhookUrl(value: unknown): boolean {
  if (typeof value !== "string" || !URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  return (protocol === "http:" || protocol === "https:") && username === "" && password === "";
}

/** Standard Webhooks: `whsec_` and 24 to 64 bytes in padded base64. */
function isSecret(value: unknown): boolean {
  const encoded = typeof value === "string" ? /^whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/.exec(value)?.[1] : undefined;
  if (encoded === undefined) return false;
  const { length } = Buffer.from(encoded, "base64");
  return length >= 24 && length <= 64;
}

/** One error for all that is wrong with the shape; the message names the first three fields. */
function refuse(error: z.ZodError, config: unknown): RepriseError {
  const problems = error.issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys")
      return issue.keys.map((key) => ({ path: [...issue.path, key], text: "is an unknown field: correct its spelling, or remove it" }));
    const path = issue.path.at(-1) === "kind" ? issue.path.slice(0, -1) : issue.path; // nobody writes `kind`: the makers do
    const value = path.reduce<unknown>(
      (owner, key) => (isRecord(owner) || Array.isArray(owner) ? (owner as Record<PropertyKey, unknown>)[key] : undefined),
      config,
    );
    const shown = value === undefined ? "is missing: it " : isSecretPlace(path) ? "" : `is ${show(isUrlPlace(path) ? withoutKeys(value) : value)}: it `;
    return [{ path, text: `${shown}${issue.message}` }];
  });
  const more = problems.length - 3;
  const message = problems.slice(0, 3).map(({ path, text }) => `${fieldName(path)} ${text}`);
  return new RepriseError("CONFIG_INVALID", `${message.join("; ")}${more > 0 ? `; and ${more} more` : ""}.`, {
    errors: problems.map(({ path, text }) => ({ pointer: below("#", ...path), detail: text })),
  });
}

/** `secret` and `headers` hold keys: their values are never shown. */
function isSecretPlace(path: readonly PropertyKey[]): boolean {
  return path[0] === "handlers" && (path[2] === "secret" || path[2] === "headers");
}

function isUrlPlace(path: readonly PropertyKey[]): boolean {
  return path[0] === "handlers" && path[2] === "url";
}

/** A URL without what may be a key: credentials, query and fragment. */
function withoutKeys(url: unknown): unknown {
  return typeof url === "string" ? url.replace(/[?#].*$/s, "").replace(/^([^/]*:)?(\/\/)?[^/]*@/, "$1$2") : url;
}

function fieldName(path: readonly PropertyKey[]): string {
  const name = path.reduce<string>((owner, key) => {
    if (typeof key === "number") return `${owner}[${key}]`;
    const text = String(key);
    if (!/^[A-Za-z_]\w*$/.test(text)) return `${owner}[${show(text)}]`;
    return owner === "" ? text : `${owner}.${text}`;
  }, "");
  return name === "" ? "The config" : name;
}

function invalid(field: string, problem: string): RepriseError {
  return new RepriseError("CONFIG_INVALID", `${field} ${problem}.`);
}

function list(types: readonly string[]): string {
  return types.length <= 20 ? types.join(", ") || "none" : `${types.slice(0, 20).join(", ")} and ${types.length - 20} more`;
}

function show(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value === "function") return "a function";
  if (typeof value !== "string") return String(value);
  return JSON.stringify(value.length <= 80 ? value : `${value.slice(0, 79)}…`);
}

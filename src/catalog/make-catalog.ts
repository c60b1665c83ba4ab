import { createHash } from "node:crypto";
import type { z } from "zod";
import { RepriseError } from "../errors.ts";
import type { Json, StoredEvent } from "../event/event.ts";
import type { Catalog, FailureText, Lifted, LiftStep } from "./catalog.ts";
import { type CheckedType, checkDefinitions } from "./check-definitions.ts";
import type { EventDefinition, UpcasterChain } from "./define.ts";
import { freezeDeep } from "./frozen.ts";
import { publishedSchema } from "./json-schema.ts";
import { placesOf } from "./places.ts";

/** A type's versions, ready to lift: `lifts[n]` takes an event stored as version n. */
interface Chain extends CheckedType {
  readonly current: number;
  readonly description: NonNullable<ReturnType<Catalog["describe"]>>;
  readonly lifts: readonly (Lift | undefined)[];
  readonly fingerprint: string;
}

/** @param seen is told of each step; for showing only. */
type Lift = (stored: StoredEvent, seen?: (step: LiftStep) => void) => Lifted;

/**
 * Builds the catalog of a config's event types and upcasters, and checks that they fit together.
 *
 * @throws CONFIG_INVALID for names and versions that clash or leave a gap, UPCASTER_MISSING, UPCASTER_UNEXPECTED, and SCHEMA_NOT_JSON for a
 * schema that does not survive JSON or is asynchronous. The message names event type, version and fix.
 */
export function makeCatalog({
  events,
  upcasters = [],
}: {
  readonly events: readonly EventDefinition[];
  readonly upcasters?: readonly UpcasterChain[];
}): Catalog {
  const chains = checkDefinitions(events, upcasters)
    .map(makeChain)
    .sort((a, b) => (a.type < b.type ? -1 : 1));
  const byName = new Map(chains.flatMap((chain) => [chain.type, ...chain.formerly].map((name) => [name, chain])));

  return {
    types: chains.map(({ type }) => type),
    fingerprint: hash(chains.map(({ fingerprint }) => fingerprint)),

    resolve: (type) => byName.get(type)?.type,

    describe: (type) => byName.get(type)?.description,

    validate(type, schemaVersion, data, pointer = "#/data") {
      const chain = byName.get(type);
      if (chain === undefined) throw new RepriseError("EVENT_TYPE_UNKNOWN", `The catalog has no event type "${type}".`);
      const version = chain.versions[schemaVersion - 1];
      if (version === undefined)
        throw new RepriseError("SCHEMA_VERSION_UNKNOWN", `Event type "${type}" has no schema version ${schemaVersion}: it has 1 to ${chain.current}.`);
      const parsed = parse(version.schema, data);
      if (parsed.ok) return;
      throw new RepriseError("DATA_INVALID", `The data does not fit ${type} version ${schemaVersion}.`, {
        errors: "issues" in parsed ? placesOf(parsed.issues, pointer) : [{ pointer, detail: parsed.thrown.message }],
      });
    },

    current(stored) {
      const chain = byName.get(stored.type);
      const lift = chain?.lifts[stored.schemaVersion];
      return lift === undefined ? newerBuild(stored, chain) : lift(stored);
    },

    steps(stored) {
      const seen: LiftStep[] = [];
      byName.get(stored.type)?.lifts[stored.schemaVersion]?.(stored, (step) => seen.push(step));
      return seen;
    },

    candidates(types) {
      const found = types.flatMap((type) => {
        const chain = byName.get(type);
        return chain === undefined ? [] : [chain.type, ...chain.formerly];
      });
      return [...new Set(found)].sort();
    },

    chainFingerprint: (type) => byName.get(type)?.fingerprint ?? "",

    jsonSchema(type, schemaVersion) {
      const chain = byName.get(type);
      const version = chain?.versions[schemaVersion - 1];
      return chain === undefined || version === undefined ? undefined : publishedSchema(chain.type, schemaVersion, version.jsonSchema);
    },
  };
}

function makeChain(checked: CheckedType): Chain {
  const current = checked.versions.length;
  const lifts = checked.versions.map((_, index) => makeLift(checked, index + 1));
  const fingerprint = hash([
    checked.type,
    ...checked.formerly,
    ...checked.versions.flatMap(({ jsonSchema, step }) => [JSON.stringify(jsonSchema), step === undefined ? "" : String(step)]),
  ]);
  const description = { type: checked.type, versions: checked.versions.map((_, index) => index + 1), current, formerly: checked.formerly };
  return { ...checked, current, description, lifts: [undefined, ...lifts], fingerprint };
}

/** Made once for each (type, version), so that an event that is current already costs one safeParse. */
function makeLift({ type, versions }: CheckedType, from: number): Lift {
  const current = versions.length;
  const { schema } = versions[from - 1]!;
  const steps = versions.slice(from).map((next, index) => ({ to: from + 1 + index, step: versions[from - 1 + index]!.step!, next: next.schema }));

  const finish = (stored: StoredEvent, data: unknown): Lifted => ({
    ok: true,
    event: {
      id: stored.id,
      type,
      schemaVersion: current,
      entity: stored.entity,
      tenant: stored.tenant,
      source: stored.source,
      occurredAt: stored.occurredAt,
      recordedAt: stored.recordedAt,
      data,
      metadata: stored.metadata,
      revision: stored.revision,
      position: stored.position,
    },
  });

  return (stored, seen) => {
    const refuse = (error: FailureText, from: number, to: number): Lifted => {
      seen?.({ from, to, type, data: null, error });
      return { ok: false, reason: "schema", error, from, to };
    };
    if (steps.length === 0) {
      const parsed = parse(schema, stored.data);
      return parsed.ok ? finish(stored, parsed.data) : refuse(describeRefusal(parsed, `${type} v${from}`), from, from);
    }

    const event = freezeDeep(stored); // a step may look at it; the log has its own
    let parsed = parse(schema, event.data);
    if (!parsed.ok) return refuse(describeRefusal(parsed, `${type} v${from}`), from, from);
    for (const { to, step, next } of steps) {
      const name = `${type} v${to - 1} → v${to}`;
      const raised = callStep(step, parsed.data, event, name);
      if (!raised.ok) return refuse(raised.error, to - 1, to);
      parsed = parse(next, raised.data);
      if (!parsed.ok) return refuse(describeRefusal(parsed, name), to - 1, to);
      seen?.({ from: to - 1, to, type, data: parsed.data as Json, error: null });
    }
    return finish(stored, parsed.data);
  };
}

type Parsed =
  | { readonly ok: true; readonly data: unknown }
  | { readonly ok: false; readonly issues: z.ZodError }
  | { readonly ok: false; readonly thrown: FailureText };

function parse(schema: z.ZodType, data: unknown): Parsed {
  try {
    const result = schema.safeParse(data);
    return result.success ? { ok: true, data: result.data } : { ok: false, issues: result.error };
  } catch (error) {
    // A refinement of the user's that throws, or one that is asynchronous ($ZodAsyncError).
    const { type, message } = describeThrown(error);
    return { ok: false, thrown: { type, message: `The schema itself failed with ${type}: ${message}` } };
  }
}

function callStep(
  step: UpcasterChain["steps"][number],
  data: unknown,
  event: StoredEvent,
  name: string,
): { readonly ok: true; readonly data: unknown } | { readonly ok: false; readonly error: FailureText } {
  try {
    const result = step(freezeDeep(data) as never, event);
    if (!(result instanceof Promise)) return { ok: true, data: result };
    result.catch(() => {}); // its outcome is of no use, but must not end the process
    return { ok: false, error: { type: "UpcasterAsync", message: `${name}: the step returned a promise. Steps are pure and synchronous.` } };
  } catch (error) {
    const { type, message } = describeThrown(error);
    return { ok: false, error: { type, message: clip(`${name}: ${message}`) } };
  }
}

function describeRefusal(parsed: Exclude<Parsed, { readonly ok: true }>, where: string): FailureText {
  if ("thrown" in parsed) return { type: parsed.thrown.type, message: clip(`${where}: ${parsed.thrown.message}`) };
  const places = placesOf(parsed.issues, "");
  const shown = places.slice(0, 3).map(({ pointer, detail }) => `${pointer === "" ? "data" : pointer}: ${detail}`);
  const more = places.length - shown.length;
  return { type: "SchemaInvalid", message: clip(`${where}: ${shown.join("; ")}${more > 0 ? `; and ${more} more` : ""}`) };
}

/** What was thrown may be anything; only an Error's own words are kept, never a value. */
function describeThrown(error: unknown): FailureText {
  return error instanceof Error
    ? { type: error.name, message: error.message }
    : { type: "Error", message: `threw a value of type ${typeof error}, not an Error` };
}

function newerBuild({ type, schemaVersion }: StoredEvent, chain: Chain | undefined): Lifted {
  const error: FailureText =
    chain === undefined
      ? { type: "EventTypeUnknown", message: `This build does not know event type "${type}".` }
      : { type: "SchemaVersionUnknown", message: `This build knows ${chain.type} up to version ${chain.current}; the event has version ${schemaVersion}.` };
  return { ok: false, reason: "newer_build", error };
}

function clip(message: string): string {
  return message.length <= 500 ? message : `${message.slice(0, 499)}…`;
}

function hash(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

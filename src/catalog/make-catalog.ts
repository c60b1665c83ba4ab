import { createHash } from "node:crypto";
import { RepriseError } from "../errors.ts";
import type { Json, NewEvent, StoredEvent } from "../event/event.ts";
import { freezeDeep } from "../event/freeze-deep.ts";
import type { Catalog, FailureText, Lifted, LiftStep } from "./catalog.ts";
import { type CheckedType, checkDefinitions } from "./check-definitions.ts";
import type { Downcast, EventDefinition, UpcasterChain } from "./define.ts";
import { publishedSchema } from "./json-schema.ts";
import { callStep, describeRefusal, type Lift, makeLifts, parse, StepFailure } from "./lift/lift.ts";
import { placesOf } from "./places.ts";
import { otherThanJson } from "./whole-json.ts";

/** A type's versions, ready to lift: `lifts[n]` takes an event stored as version n. */
interface Chain extends CheckedType {
  readonly current: number;
  readonly description: NonNullable<ReturnType<Catalog["describe"]>>;
  readonly lifts: readonly (Lift | undefined)[];
  readonly fingerprint: string;
}

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
  const checked = checkDefinitions(events, upcasters);
  const lifts = makeLifts(checked);
  const chains = checked.map((type) => makeChain(type, lifts.get(type.type)!)).sort((a, b) => (a.type < b.type ? -1 : 1));
  const byName = new Map(chains.flatMap((chain) => [chain.type, ...chain.formerly].map((name) => [name, chain])));
  const sources = sourcesOf(chains);
  /** Events of one type often follow one another, and a look into the map has to hash each one's name. */
  let recent: { readonly name: string; readonly chain: Chain | undefined } = { name: "", chain: undefined };

  const downcastOf = ({ type, schemaVersion }: NewEvent): readonly [Chain, Downcast] | readonly [null, null] => {
    const chain = byName.get(type);
    const downcast = chain?.downcast ?? null;
    return chain === undefined || downcast === null || schemaVersion !== chain.current ? [null, null] : [chain, downcast];
  };

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
      if (parsed.success) return;
      throw new RepriseError("DATA_INVALID", `The data does not fit ${type} version ${schemaVersion}.`, {
        errors: "error" in parsed ? placesOf(parsed.error, pointer) : [{ pointer, detail: parsed.thrown.message }],
      });
    },

    current(stored) {
      if (stored.damage !== undefined) return { ok: false, reason: "damaged", error: { type: "LogDamaged", message: stored.damage.detail } };
      if (recent.name !== stored.type) recent = { name: stored.type, chain: byName.get(stored.type) };
      const { chain } = recent;
      const lift = chain?.lifts[stored.schemaVersion];
      return lift === undefined ? newerBuild(stored, chain) : lift(stored);
    },

    steps(stored) {
      if (stored.damage !== undefined) return [];
      const seen: LiftStep[] = [];
      byName.get(stored.type)?.lifts[stored.schemaVersion]?.(stored, (step) => seen.push(step));
      return seen;
    },

    candidates(types) {
      const found = types.flatMap((type) => {
        const chain = byName.get(type);
        return chain === undefined ? [] : [...sources.get(chain.type)!].flatMap((source) => [source, ...byName.get(source)!.formerly]);
      });
      return [...new Set(found)].sort();
    },

    toStore(event) {
      const [chain, downcast] = downcastOf(event);
      return chain === null ? event : downcastEvent(event, chain, downcast);
    },

    asOnceStored(event) {
      const [chain, downcast] = downcastOf(event);
      if (chain === null) return event;
      const parsed = parse(chain.versions[chain.current - 1]!.schema, event.data);
      // What a schema refuses it does not show: the data as sent stands for it.
      const older = callDowncast(event, chain, downcast, parsed.success ? parsed.data : structuredClone(event.data));
      return older instanceof StepFailure || otherThanJson(older) !== null ? event : asDowncast(event, downcast, older as Json);
    },

    chainFingerprint: (type) => byName.get(type)?.fingerprint ?? "",

    jsonSchema(type, schemaVersion) {
      const chain = byName.get(type);
      const version = chain?.versions[schemaVersion - 1];
      return chain === undefined || version === undefined ? undefined : publishedSchema(chain.type, schemaVersion, version);
    },
  };
}

function makeChain(checked: CheckedType, lifts: Chain["lifts"]): Chain {
  const current = checked.versions.length;
  const fingerprint = hash([
    checked.type,
    ...checked.formerly,
    ...checked.into,
    ...checked.versions.flatMap(({ jsonSchema, step }) => [JSON.stringify(jsonSchema), step === undefined ? "" : String(step)]),
  ]);
  const description = { type: checked.type, versions: checked.versions.map((_, index) => index + 1), current, formerly: checked.formerly };
  return { ...checked, current, description, lifts, fingerprint };
}

/** By type: itself and the types that split into it, over any number of splits. */
function sourcesOf(chains: readonly Chain[]): ReadonlyMap<string, ReadonlySet<string>> {
  const sources = new Map(chains.map(({ type }) => [type, new Set([type])]));
  for (let grew = true; grew; ) {
    grew = false;
    for (const { type, into } of chains)
      for (const target of into) {
        const known = sources.get(target)!;
        for (const source of sources.get(type)!) {
          if (known.has(source)) continue;
          known.add(source);
          grew = true;
        }
      }
  }
  return sources;
}

function callDowncast(event: NewEvent, { type, current }: Chain, downcast: Downcast, data: unknown): unknown {
  return callStep(downcast.data, freezeDeep(data), event as StoredEvent, `${type} v${current} → v${downcast.version}`);
}

function asDowncast(event: NewEvent, downcast: Downcast, data: Json): NewEvent {
  return { ...event, type: downcast.type ?? event.type, schemaVersion: downcast.version, data };
}

function downcastEvent(event: NewEvent, chain: Chain, downcast: Downcast): NewEvent {
  const { type, current, versions, lifts } = chain;
  const fail = (message: string): RepriseError =>
    new RepriseError("DOWNCAST_FAILED", `Event type "${type}" could not be stored as version ${downcast.version}: ${message}`);
  const parsed = parse(versions[current - 1]!.schema, event.data);
  if (!parsed.success) throw fail("its data does not fit the current version"); // checked before, so a schema that judges by more than the data
  const older = callDowncast(event, chain, downcast, parsed.data);
  if (older instanceof StepFailure) throw fail(older.error.message);
  const other = otherThanJson(older);
  if (other !== null) throw fail(`the downcast gives what JSON cannot hold, at ${other}`);
  const data = older as Json;
  const stored = asDowncast(event, downcast, data);
  const fits = parse(versions[downcast.version - 1]!.schema, data);
  if (!fits.success) throw fail(describeRefusal(fits, `${type} v${downcast.version}`).message);
  // Whoever reads it with this build must be able to.
  const again = lifts[downcast.version]!(stored as StoredEvent);
  if (!again.ok) throw fail(again.error.message);
  return stored;
}

function newerBuild({ type, schemaVersion }: Pick<StoredEvent, "type" | "schemaVersion">, chain: Chain | undefined): Lifted {
  const error: FailureText =
    chain === undefined
      ? { type: "EventTypeUnknown", message: `This build does not know event type "${type}".` }
      : { type: "SchemaVersionUnknown", message: `This build knows ${chain.type} up to version ${chain.current}; the event has version ${schemaVersion}.` };
  return { ok: false, reason: "newer_build", error };
}

function hash(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

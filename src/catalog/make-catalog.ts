import { RepriseError } from "../errors.ts";
import type { StoredEvent } from "../event/event.ts";
import { acceptanceOf } from "./acceptance.ts";
import type { Catalog, FailureText, Lifted } from "./catalog.ts";
import { type Chain, hash, makeChain, sourcesOf } from "./chain.ts";
import { checkDefinitions } from "./check-definitions.ts";
import type { EventDefinition, UpcasterChain } from "./define.ts";
import { makeDowncasts } from "./downcast.ts";
import { publishedSchema } from "./json-schema.ts";
import { makeLifts } from "./lift/lift.ts";
import { parse } from "./lift/parse.ts";
import { makeShownSteps } from "./lift/shown-steps.ts";
import { placesOf } from "./places.ts";

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
  /** Events of one type often follow one another, and a look into the map would hash the name of each. */
  let recent: { readonly name: string; readonly chain: Chain | undefined } = { name: "", chain: undefined };

  const downcasts = makeDowncasts(byName);

  return {
    types: chains.map(({ type }) => type),
    fingerprint: hash(chains.map(({ fingerprint }) => fingerprint)),

    resolve: (type) => byName.get(type)?.type,

    describe: (type) => byName.get(type)?.description,

    validate: (type, schemaVersion, data, pointer = "#/data") => validate(byName.get(type), type, schemaVersion, data, pointer),

    current(stored) {
      if (stored.damage !== undefined) return { ok: false, reason: "damaged", error: { type: "LogDamaged", message: stored.damage.detail } };
      if (recent.name !== stored.type) recent = { name: stored.type, chain: byName.get(stored.type) };
      const { chain } = recent;
      const lift = chain?.lifts[stored.schemaVersion];
      return lift === undefined ? newerBuild(stored, chain) : lift(stored);
    },

    steps(stored) {
      if (stored.damage !== undefined) return [];
      const shown = makeShownSteps();
      byName.get(stored.type)?.lifts[stored.schemaVersion]?.(stored, (step) => shown.take(step));
      return shown.steps;
    },

    candidates(types) {
      const found = types.flatMap((type) => {
        const chain = byName.get(type);
        return chain === undefined ? [] : [...sources.get(chain.type)!].flatMap((source) => [source, ...byName.get(source)!.formerly]);
      });
      return [...new Set(found)].sort();
    },

    ...downcasts,

    chainFingerprint: (type) => byName.get(type)?.fingerprint ?? "",

    jsonSchema(type, schemaVersion) {
      const chain = byName.get(type);
      const version = chain?.versions[schemaVersion - 1];
      return chain === undefined || version === undefined ? undefined : publishedSchema(chain.type, schemaVersion, version);
    },
  };
}

function validate(chain: Chain | undefined, type: string, schemaVersion: number, data: unknown, pointer: string): void {
  if (chain === undefined) throw new RepriseError("EVENT_TYPE_UNKNOWN", `The catalog has no event type "${type}".`);
  const version = chain.versions[schemaVersion - 1];
  if (version === undefined)
    throw new RepriseError("SCHEMA_VERSION_UNKNOWN", `Event type "${type}" has no schema version ${schemaVersion}: it has 1 to ${chain.current}.`);
  const acceptance = acceptanceOf(version.schema);
  const accepted = parse(acceptance, data);
  if (accepted.success) return;
  const parsed = acceptance === version.schema ? accepted : parse(version.schema, data);
  if (parsed.success) return;
  throw new RepriseError("DATA_INVALID", `The data does not fit ${type} version ${schemaVersion}.`, {
    errors: "error" in parsed ? placesOf(parsed.error, pointer) : [{ pointer, detail: parsed.thrown.message }],
  });
}

function newerBuild({ type, schemaVersion }: Pick<StoredEvent, "type" | "schemaVersion">, chain: Chain | undefined): Lifted {
  const error: FailureText =
    chain === undefined
      ? { type: "EventTypeUnknown", message: `This build does not know event type "${type}".` }
      : { type: "SchemaVersionUnknown", message: `This build knows ${chain.type} up to version ${chain.current}; the event has version ${schemaVersion}.` };
  return { ok: false, reason: "newer_build", error };
}

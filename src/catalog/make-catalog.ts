import { RepriseError } from "../errors.ts";
import type { GivenEvent, NewEvent, StoredEvent } from "../event/event.ts";
import { acceptanceOf } from "./acceptance.ts";
import type { Catalog, FailureText, Lifted, LiftStep } from "./catalog.ts";
import { type Chain, hash, makeChain, sourcesOf } from "./chain.ts";
import { type CheckedType, checkDefinitions } from "./check-definitions.ts";
import type { EventDefinition, UpcasterChain } from "./define.ts";
import { Downcasts } from "./downcast.ts";
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
  return new CheckedCatalog(checkDefinitions(events, upcasters));
}

class CheckedCatalog implements Catalog {
  readonly types: readonly string[];
  readonly fingerprint: string;
  readonly #byName: ReadonlyMap<string, Chain>;
  readonly #sources: ReturnType<typeof sourcesOf>;
  readonly #downcasts: Downcasts;
  /** Events of one type often follow one another, and a look into the map would hash the name of each. */
  #recent: { readonly name: string; readonly chain: Chain | undefined } = { name: "", chain: undefined };

  constructor(checked: readonly CheckedType[]) {
    const lifts = makeLifts(checked);
    const chains = checked.map((type) => makeChain(type, lifts.get(type.type)!)).sort((a, b) => (a.type < b.type ? -1 : 1));
    this.types = chains.map(({ type }) => type);
    this.fingerprint = hash(chains.map(({ fingerprint }) => fingerprint));
    this.#byName = new Map(chains.flatMap((chain) => [chain.type, ...chain.formerly].map((name) => [name, chain])));
    this.#sources = sourcesOf(chains);
    this.#downcasts = new Downcasts(this.#byName);
  }

  resolve(type: string): string | undefined {
    return this.#byName.get(type)?.type;
  }

  describe(type: string): ReturnType<Catalog["describe"]> {
    return this.#byName.get(type)?.description;
  }

  validate(type: string, schemaVersion: number, data: unknown, pointer = "#/data"): void {
    validate(this.#byName.get(type), type, schemaVersion, data, pointer);
  }

  toStore(event: NewEvent): NewEvent {
    return this.#downcasts.toStore(event);
  }

  asOnceStored(event: NewEvent): NewEvent {
    return this.#downcasts.asOnceStored(event);
  }

  current(stored: StoredEvent | GivenEvent): Lifted {
    if (stored.damage !== undefined) return { ok: false, reason: "damaged", error: { type: "LogDamaged", message: stored.damage.detail } };
    if (this.#recent.name !== stored.type) this.#recent = { name: stored.type, chain: this.#byName.get(stored.type) };
    const { chain } = this.#recent;
    const lift = chain?.lifts[stored.schemaVersion];
    return lift === undefined ? newerBuild(stored, chain) : lift(stored);
  }

  steps(stored: StoredEvent | GivenEvent): readonly LiftStep[] {
    if (stored.damage !== undefined) return [];
    const shown = makeShownSteps();
    this.#byName.get(stored.type)?.lifts[stored.schemaVersion]?.(stored, (step) => shown.take(step));
    return shown.steps;
  }

  candidates(types: readonly string[]): readonly string[] {
    const found = types.flatMap((type) => {
      const chain = this.#byName.get(type);
      return chain === undefined ? [] : [...this.#sources.get(chain.type)!].flatMap((source) => [source, ...this.#byName.get(source)!.formerly]);
    });
    return [...new Set(found)].sort();
  }

  chainFingerprint(type: string): string {
    return this.#byName.get(type)?.fingerprint ?? "";
  }

  jsonSchema(type: string, schemaVersion: number): Readonly<Record<string, unknown>> | undefined {
    const chain = this.#byName.get(type);
    const version = chain?.versions[schemaVersion - 1];
    return chain === undefined || version === undefined ? undefined : publishedSchema(chain.type, schemaVersion, version);
  }
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

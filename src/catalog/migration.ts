/** One-off migrations: named, pure functions that make new stored data for dead letters of one event type and version. */
import type { z } from "zod";
import { type ErrorPlace, RepriseError } from "../errors.ts";
import type { GivenEvent, Json, StoredEvent } from "../event/event.ts";
import { freezeDeep } from "../event/freeze-deep.ts";
import { isA } from "../event/thrown.ts";
import type { Catalog } from "./catalog.ts";
import type { DeepReadonly } from "./deep-readonly.ts";
import type { EventDefinition } from "./define.ts";
import { given } from "./lift/given.ts";
import { describeThrown } from "./lift/thrown.ts";
import { otherThanJson } from "./whole-json.ts";

type Version<E extends EventDefinition> = keyof E["schemas"] & number;
/** An input of the version's schema: data that `POST /events` would accept. */
export type StoredData<E extends EventDefinition, N extends Version<E>> = z.input<E["schemas"][N]>;

/** A migration whose event type is forgotten. Made by `defineMigration`. */
export interface MigrationDefinition {
  readonly name: string;
  readonly event: EventDefinition;
  readonly version: number;
  readonly migrate: (data: never, event: GivenEvent) => unknown;
}

/**
 * Defines a migration for one version of an event type. `migrate` gets the stored event (frozen, never an earlier amendment, so that a second run gives
 * the same) and returns the whole new stored data of that same version. It is synchronous. When it throws, the letter is left alone, with the error as reason.
 */
export function defineMigration<E extends EventDefinition, const N extends Version<E>>(migration: {
  /** `[a-z][a-z0-9-]{0,62}`: operators choose it by this name, and records hold it. */
  readonly name: string;
  readonly event: E;
  readonly version: N;
  readonly migrate: (data: DeepReadonly<NoInfer<StoredData<E, N>>>, event: GivenEvent) => DeepReadonly<NoInfer<StoredData<E, N>>>;
}): MigrationDefinition {
  return migration;
}

export interface Migrations {
  readonly names: readonly string[];
  /**
   * The new stored data of an event, checked: valid in its version, and liftable to the current one.
   *
   * @param stored the event as the log holds it.
   * @throws REQUEST_INVALID for a name that the config does not have, MIGRATION_FAILED with the reason, UPCAST_FAILED when its result cannot be lifted.
   */
  run(name: string, stored: StoredEvent): Json;
  /** @throws REQUEST_INVALID */
  mustKnow(name: string): void;
}

export function makeMigrations(catalog: Catalog, definitions: readonly MigrationDefinition[]): Migrations {
  const byName = new Map(definitions.map((definition) => [definition.name, definition]));

  function find(name: string): MigrationDefinition {
    const found = byName.get(name);
    if (found !== undefined) return found;
    const known = byName.size === 0 ? "the config has none" : `the config has ${[...byName.keys()].join(", ")}`;
    throw new RepriseError("REQUEST_INVALID", `There is no migration "${name}".`, { errors: [{ pointer: "#/migration", detail: `is unknown: ${known}` }] });
  }

  return {
    names: [...byName.keys()],
    mustKnow: (name) => void find(name),
    run(name, stored) {
      const { event, version, migrate } = find(name);
      const fail = (reason: string, cause?: unknown, errors: readonly ErrorPlace[] = []): never => {
        throw new RepriseError("MIGRATION_FAILED", `Migration "${name}": ${reason}`, { cause, errors });
      };
      if (catalog.resolve(stored.type) !== event.type || stored.schemaVersion !== version)
        return fail(`it is for ${event.type} version ${version}, and this is ${stored.type} version ${stored.schemaVersion}.`);
      let result: unknown;
      try {
        result = migrate(freezeDeep(structuredClone(stored.data)) as never, given(structuredClone(stored)));
      } catch (error) {
        const { type, message } = describeThrown(error, stored.data);
        return fail(isA(Error, error) ? clip(`it threw ${type}: ${message}`) : "it threw something that is no Error.", error);
      }
      if (result instanceof Promise) {
        result.catch(() => {}); // its outcome is of no use, but must not end the process
        return fail("it returned a promise. Migrations are synchronous: they judge from the event alone.");
      }
      const other = otherThanJson(result);
      if (other !== null) return fail(clip(`it returned what JSON cannot hold, at ${other}.`));
      // Without members that are undefined.
      const data = JSON.parse(JSON.stringify(result)) as Json;
      try {
        mustFit(catalog, stored, data, "#");
      } catch (error) {
        if (error instanceof RepriseError && error.code === "DATA_INVALID") return fail(`its result is refused: ${places(error.errors)}.`, error, error.errors);
        throw error;
      }
      return data;
    },
  };
}

/**
 * Refuses data that cannot stand in for what is stored: it has to fit the stored type and version, and lift to the current one.
 *
 * @param pointer where the data stands in the request.
 * @throws DATA_INVALID with `errors`, UPCAST_FAILED, and for an event of a newer build EVENT_TYPE_UNKNOWN or SCHEMA_VERSION_UNKNOWN.
 */
export function mustFit(catalog: Catalog, stored: StoredEvent, data: Json, pointer: string): void {
  catalog.validate(stored.type, stored.schemaVersion, data, pointer);
  const lifted = catalog.current({ ...stored, data });
  if (!lifted.ok) throw new RepriseError("UPCAST_FAILED", `${stored.type} version ${stored.schemaVersion} cannot be lifted: ${lifted.error.message}`);
}

function places(errors: readonly ErrorPlace[]): string {
  const shown = errors.slice(0, 3).map(({ pointer, detail }) => `${pointer}: ${detail}`);
  return clip(`${shown.join("; ")}${errors.length > shown.length ? `; and ${errors.length - shown.length} more` : ""}`);
}

function clip(message: string): string {
  return message.length <= 500 ? message : `${message.slice(0, 499)}…`;
}

/** Which stored events a handler wants: those whose type can become one that it lists today, beyond the position from which it is wanted. */
import type { Catalog } from "../../catalog/catalog.ts";
import type { Position, StoredEvent } from "../../event/event.ts";
import { isEntityStream } from "../../event/names.ts";
import { partitionOf } from "../../event/partition-of.ts";
import type { HandlerStreamData } from "../../records/handler.ts";

/**
 * For each stored type that can become one of `types` today: the position beyond which its events are wanted. A type on record keeps its position, and
 * another name of that type gets the same one. A new type is wanted beyond `sinceNew`.
 */
export function sinceByStoredType(
  catalog: Catalog,
  types: readonly string[],
  before: HandlerStreamData["handler.configured"] | null,
  sinceNew: Position,
): ReadonlyMap<string, Position> {
  const known = (name: string): Position | undefined => (before === null ? undefined : knownSince(before, name));
  const sinceOf = (name: string): Position => {
    const own = known(name);
    if (own !== undefined) return own;
    const { type, formerly } = catalog.describe(name)!;
    const others = [type, ...formerly].map(known).filter((since) => since !== undefined);
    return others.length > 0 ? least(others) : sinceNew;
  };
  return new Map(catalog.candidates(types).map((name) => [name, sinceOf(name)]));
}

export function newNamesIn(
  stored: ReadonlyMap<string, Position>,
  before: HandlerStreamData["handler.configured"] | null,
  sinceNew: Position,
): readonly string[] {
  if (before === null) return [];
  return [...stored].filter(([type, since]) => since < sinceNew && knownSince(before, type) === undefined).map(([type]) => type);
}

function knownSince({ stored, types }: HandlerStreamData["handler.configured"], name: string): Position | undefined {
  const since = stored?.[name] ?? types[name];
  return since === undefined ? undefined : BigInt(since);
}

/** What a handler wants: events of entities whose type can become one that the handler takes, beyond that type's position. */
export class Wanted {
  readonly #sinceOf: ReadonlyMap<string, Position>;
  readonly #partition: Partition;

  /** @param partition the only one whose events it has; default: all events. */
  constructor({ stored }: Pick<HandlerStreamData["handler.configured"], "stored">, partition: Partition = { number: 0, of: 1 }) {
    this.#sinceOf = new Map(Object.entries(stored ?? {}).map(([type, since]) => [type, BigInt(since)]));
    this.#partition = partition;
  }

  /** @param isEntitys its stream is known to be an entity's. */
  has({ type, position, stream, damage }: StoredEvent, isEntitys = false): boolean {
    const { number, of } = this.#partition;
    if (of > 1 && partitionOf(stream, of) !== number) return false;
    if (damage?.typeDoubtful) return isEntitys || isEntityStream(stream); // it may be one of them
    const since = this.#sinceOf.get(type);
    return since !== undefined && position > since && (isEntitys || isEntityStream(stream));
  }
}

interface Partition {
  readonly number: number;
  readonly of: number;
}

/** Where an empty journal begins: before the first event of any type that is wanted. */
export function firstPosition({ stored }: Pick<HandlerStreamData["handler.configured"], "stored">): Position {
  return least(Object.values(stored ?? {}).map(BigInt));
}

/** @param positions at least one. */
export function least(positions: readonly Position[]): Position {
  return positions.reduce((least, position) => (position < least ? position : least));
}

import type { z } from "zod";
import type { CurrentEvent, StoredEvent } from "../event/event.ts";

/** N → N + 1: a table, since TypeScript does not add. A 33rd version is refused here and at start. */
interface Next {
  1: 2;
  2: 3;
  3: 4;
  4: 5;
  5: 6;
  6: 7;
  7: 8;
  8: 9;
  9: 10;
  10: 11;
  11: 12;
  12: 13;
  13: 14;
  14: 15;
  15: 16;
  16: 17;
  17: 18;
  18: 19;
  19: 20;
  20: 21;
  21: 22;
  22: 23;
  23: 24;
  24: 25;
  25: 26;
  26: 27;
  27: 28;
  28: 29;
  29: 30;
  30: 31;
  31: 32;
}
export const maxVersions = 32;
type After<N> = N extends keyof Next ? Next[N] : never;

/** Version → its schema: `{ 1: z.object(…), 2: z.object(…) }`, without gaps. */
export type Schemas = Readonly<Record<number, z.ZodType>>;

/** An event type with all schema versions that were ever stored. Made by `defineEvent`. */
export interface EventDefinition<T extends string = string, S extends Schemas = Schemas> {
  readonly type: T;
  readonly schemas: S;
  /** Older names of the type in the log; their versions are versions of this one. */
  readonly formerly: readonly string[];
}

type Version<E extends EventDefinition> = keyof E["schemas"] & number;
/** The versions that have a next one: those that need an upcaster. */
type Step<E extends EventDefinition> = { [N in Version<E>]: After<N> extends Version<E> ? N : never }[Version<E>];

export type DataOf<E extends EventDefinition, N extends Version<E>> = z.output<E["schemas"][N]>;
export type CurrentData<E extends EventDefinition> = z.output<E["schemas"][Exclude<Version<E>, Step<E>>]>;
/** The event as a handler of it sees it. */
export type EventOf<E extends EventDefinition> = E extends EventDefinition ? CurrentEvent<E["type"], CurrentData<E>> : never;

/** Pure: version N as its schema puts it out → version N + 1 as its schema takes it in. The input is frozen. */
export type Upcaster<E extends EventDefinition, N extends Step<E>> = (data: DataOf<E, N>, event: StoredEvent) => z.input<E["schemas"][After<N> & Version<E>]>;

/** One step for each version but the newest. No step is spelled out: `{}` would let any key pass. */
export type Upcasters<E extends EventDefinition> = [Step<E>] extends [never]
  ? Readonly<Record<PropertyKey, never>>
  : { readonly [N in Step<E>]: Upcaster<E, N> };

/** All steps of one event type. Made by `defineUpcasters`. */
export interface UpcasterChain {
  readonly event: EventDefinition;
  readonly steps: Readonly<Record<number, (data: never, event: StoredEvent) => unknown>>;
}

type Gapless<S> = { [N in keyof S]: N extends 1 ? S[N] : N extends After<keyof S> ? S[N] : `version ${N & number} has no version before it` };

/**
 * Defines an event type by its schema versions, `{ 1: schema, 2: schema }`; the highest is current.
 *
 * @param type dotted past-tense name, stable for ever: `order.placed`.
 * @param schemas zod schemas of what JSON can hold. A version that was ever stored is frozen.
 */
export function defineEvent<const T extends string, const S extends Schemas>(
  type: T,
  schemas: S & Gapless<S>,
  { formerly = [] }: { readonly formerly?: readonly string[] } = {},
): EventDefinition<T, S> {
  return { type, schemas, formerly };
}

/**
 * Defines the steps that lift old payloads: `{ 1: v1 → v2, 2: v2 → v3 }`, bare number keys. A missing, extra or ill-typed
 * step does not compile, and is refused again at start.
 */
// NoInfer: the event alone fixes the types, and only so do number keys give lambdas their context.
export function defineUpcasters<E extends EventDefinition>(event: E, steps: NoInfer<Upcasters<E>>): UpcasterChain {
  return { event, steps: steps as UpcasterChain["steps"] };
}

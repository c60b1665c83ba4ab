import type { z } from "zod";
import type { CurrentEvent, GivenEvent } from "../event/event.ts";
import type { DeepReadonly } from "./deep-readonly.ts";
import { type Dropped, lifted, type Part, type Split } from "./lift/step-result.ts";

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

/** Data of the current version → data of an older one, for builds that do not know the current one yet. */
export interface Downcast {
  readonly version: number;
  readonly type: string | undefined;
  readonly data: (data: never) => unknown;
}

/** An event type with all schema versions that were ever stored. Made by `defineEvent`. */
export interface EventDefinition<T extends string = string, S extends Schemas = Schemas> {
  readonly type: T;
  readonly schemas: S;
  /** Older names of the type in the log; their versions are versions of this one. */
  readonly formerly: readonly string[];
  readonly downcast: Downcast | null;
}

type Version<E extends EventDefinition> = keyof E["schemas"] & number;
/** The versions that have a next one: those that need an upcaster. */
type Step<E extends EventDefinition> = { [N in Version<E>]: After<N> extends Version<E> ? N : never }[Version<E>];

export type DataOf<E extends EventDefinition, N extends Version<E>> = z.output<E["schemas"][N]>;
/** The input of version N's schema. Readonly, since a step may hand on parts of the data that it got. */
type InputOf<E extends EventDefinition, N extends Version<E>> = DeepReadonly<z.input<E["schemas"][N]>>;
/** The newest version: the one without a step. */
type Current<E extends EventDefinition> = Exclude<Version<E>, Step<E>>;
export type CurrentData<E extends EventDefinition> = z.output<E["schemas"][Current<E>]>;
/** The current version's data as it is appended: the input of its schema, which an `interface` may describe. Unknown for a definition whose versions are. */
export type GivenData<E extends EventDefinition> = E extends EventDefinition ? ([Current<E>] extends [never] ? unknown : InputOf<E, Current<E>>) : never;
/** The event as a handler of it sees it. */
export type EventOf<E extends EventDefinition> = E extends EventDefinition ? CurrentEvent<E["type"], CurrentData<E>> : never;

/**
 * Pure: takes the output of version N's schema and returns an input of version N + 1's schema. The data is the step's own copy, and deeply readonly; the second
 * parameter is the event as it was stored, frozen, with its metadata and times.
 *
 * @typeParam Beside other results that the step may return: `Dropped`, `Split<"order.placed">`.
 */
export type Upcaster<E extends EventDefinition, N extends Step<E>, Beside extends Dropped | Split = never> = (
  data: DeepReadonly<DataOf<E, N>>,
  event: GivenEvent,
) => InputOf<E, After<N> & Version<E>> | Beside;

/** One step for each version but the newest. A type without steps has a form of its own, because `{}` would let any key pass. */
export type Upcasters<E extends EventDefinition, Into extends string = never> = [Step<E>] extends [never]
  ? Readonly<Record<PropertyKey, "an event type with one version has no steps">>
  : { readonly [N in Step<E>]: Upcaster<E, N, Dropped | Split<Into>> };

/** All steps of one event type. Made by `defineUpcasters`. */
export interface UpcasterChain {
  readonly event: EventDefinition;
  readonly steps: Readonly<Record<number, (data: never, event: GivenEvent) => unknown>>;
  /** The types that a `split` of these steps may give. */
  readonly into: readonly EventDefinition[];
}

type Gapless<S> = {
  [N in keyof S]: N extends 1
    ? S[N]
    : N extends After<keyof S>
      ? S[N]
      : N extends Next[keyof Next]
        ? `version ${N} has no version before it`
        : `version ${N & number} is none of the 1 to 32 that an event type may have: begin a new event type, and let the old one rest`;
};
/** The highest key. */
type Newest<S> = { [N in keyof S & number]: After<N> extends keyof S ? never : N }[keyof S & number];

/** The options of `defineEvent`. */
export interface EventOptions<S extends Schemas, N extends keyof S & number> {
  /** Older names of the type in the log: events stored under them are events of this type. */
  readonly formerly?: readonly string[];
  /**
   * Use it while builds run that do not know the current version. Data is checked as the current version, then stored as version `version` (and
   * under the former name `type`, while some builds do not know the new name). Remove it when the last old build is gone. Pure and synchronous.
   */
  readonly downcast?: {
    readonly version: N;
    readonly type?: string;
    readonly data: (data: DeepReadonly<z.output<S[Newest<S>]>>) => DeepReadonly<z.input<S[N]>>;
  };
}

/**
 * Defines an event type by its schema versions, `{ 1: schema, 2: schema }`; the highest is current.
 *
 * @param type dotted past-tense name, stable for ever: `order.placed`.
 * @param schemas zod schemas of what JSON can hold. A version that was ever stored is frozen.
 */
export function defineEvent<const T extends string, const S extends Schemas, const N extends keyof S & number = keyof S & number>(
  type: T,
  schemas: S & Gapless<S>,
  { formerly = [], downcast }: EventOptions<S, N> = {},
): EventDefinition<T, S> {
  return { type, schemas, formerly, downcast: downcast === undefined ? null : { type: undefined, ...(downcast as Omit<Downcast, "type">) } };
}

/**
 * Defines the steps that lift old payloads: `{ 1: v1 → v2, 2: v2 → v3 }`, bare number keys. A missing, extra or ill-typed
 * step does not compile, and is refused again at start.
 *
 * @param options `into`: the event types that a step's `split` gives.
 */
// NoInfer lets the event alone fix the types. Without it, number keys would give the lambdas no types for their parameters.
export function defineUpcasters<E extends EventDefinition, const I extends readonly EventDefinition[] = readonly []>(
  event: E,
  steps: NoInfer<Upcasters<E, I[number]["type"]>>,
  { into }: { readonly into?: I } = {},
): UpcasterChain {
  return { event, steps: steps as UpcasterChain["steps"], into: into ?? [] };
}

/**
 * One event of a split, for `split`.
 *
 * @param options `version`: of `data`; it is lifted from there. Say it, so that the step stays as it is when the type gets a newer version. Default: the current one.
 */
export function part<E extends EventDefinition>(event: E, data: InputOf<E, Current<E>>): Part<E["type"]>;
export function part<E extends EventDefinition, const N extends Version<E>>(event: E, data: InputOf<E, N>, options: { readonly version: N }): Part<E["type"]>;
export function part(event: EventDefinition, data: unknown, { version }: { readonly version?: number } = {}): Part {
  return { type: event.type, schemaVersion: version ?? currentVersion(event), data };
}

/** The newest version of a definition: they are numbered from 1, without gaps. */
export function currentVersion({ schemas }: EventDefinition): number {
  return Object.keys(schemas).length;
}

/** A step returns this to drop the event: handlers do not see it, and each records it as skipped. */
export function drop(reason: string): Dropped {
  return { [lifted]: "dropped", reason };
}

/** A step returns this to split the event into several events: they are delivered in this order, within one delivery. */
export function split<T extends string>(...parts: readonly Part<T>[]): Split<T> {
  return { [lifted]: "split", parts };
}

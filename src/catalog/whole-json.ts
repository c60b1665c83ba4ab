/** Checks the result of a chain: handlers get it as it is, and everyone else gets it as JSON, so it has to be the same in both. */
import { types } from "node:util";
import type { z } from "zod";
import { textAt, valueAt } from "../event/thrown.ts";
import { type Definition, innerOf, newWhenInnerIs, plainValues } from "./lift/private-copy.ts";
import { below } from "./places.ts";

const maxDepth = 128;
/** The most objects and lists: an append of 960,000 bytes has room for 320,000. Thirty nested lists that each hold the next one twice count as a billion. */
const maxValues = 500_000;

/**
 * Whether the output of a schema can be anything else than JSON. The parts of the schema tell this; its JSON Schema does not, because it describes the input,
 * and not the values of a default, `catch`, overwrite or check. A part that is not known to be safe may give other values.
 */
export function mayGiveOther(schema: z.core.$ZodType): boolean {
  return givesUndefined(schema) || !givesOnlyJson(schema);
}

/** The parts of the output; that the whole may be undefined is another question. */
export function givesOnlyJson(schema: z.core.$ZodType, met: Set<z.core.$ZodType> = new Set()): boolean {
  if (met.has(schema)) return true; // within itself: judged where it was met first
  met.add(schema);
  const def = schema._zod.def as unknown as Definition;
  const isPlain = plainValues.has(def.type);
  if (!isPlain && (!newWhenInnerIs.has(def.type) || def.mode === "loose")) return false;
  if (def.checks?.every(({ _zod: { def: check } }) => leavesAsItIs(check, isPlain)) === false) return false;
  const values = [...(def.values ?? []), ...Object.values(def.entries ?? {})];
  if (values.some((value) => otherThanJson(value) !== null)) return false;
  const items = [def.element, def.rest, ...(def.items ?? [])];
  if (items.some((item) => item !== undefined && item !== null && givesUndefined(item))) return false;
  return innerOf(def).every((inner) => givesOnlyJson(inner, met));
}

/** An undefined member counts as missing. An undefined item of a list does not, and neither does undefined as the whole value. */
export function givesUndefined(schema: z.core.$ZodType): boolean {
  return schema._zod.optout === "optional";
}

/** A refinement of a text or number can only say yes or no. A refinement of an object can write into it, and a `check` can put another value in its place. */
function leavesAsItIs({ check, fn }: { readonly check: string; readonly fn?: unknown }, isPlain: boolean): boolean {
  return harmlessChecks.has(check) || (check === "custom" && fn !== undefined && isPlain);
}

const harmlessChecks: ReadonlySet<string> = new Set([
  ...["less_than", "greater_than", "multiple_of", "number_format", "max_length", "min_length", "length_equals", "string_format"],
]);

/**
 * Says why data is not the same as JSON, and where: `/lines/0/at: is a Date, which JSON cannot hold`. Null when it is the same. A member that is undefined
 * counts as missing. Never throws, whatever the data may be.
 */
export function otherThanJson(data: unknown): string | null {
  const walk: Walk = { path: [], values: 0, maxDepth };
  try {
    const what = look(data, walk);
    return what === null ? null : `${walk.path.length === 0 ? "data" : below("", ...walk.path)}: ${what}`;
  } catch {
    return `${walk.path.length === 0 ? "data" : below("", ...walk.path)}: cannot be read: it throws`;
  }
}

/** Looks through the parts of one data, one after the other. What it accepts is JSON wherever it is; it may refuse more than `otherThanJson` does, or throw. */
export interface PartCheck {
  /** @param levels at which the parts are, at most. */
  begin(levels: number): void;
  accepts(part: unknown): boolean;
}

export function makePartCheck(): PartCheck {
  let walk: Walk = { path: [], values: 0, maxDepth };
  return {
    begin(levels) {
      walk = { path: [], values: 0, maxDepth: maxDepth - levels };
    },
    accepts: (part) => look(part, walk) === null,
  };
}

interface Walk {
  /** The place of the walk; after a finding, the place of the finding. */
  readonly path: PropertyKey[];
  values: number;
  readonly maxDepth: number;
}

function look(value: unknown, walk: Walk): string | null {
  switch (typeof value) {
    case "string":
    case "boolean":
      return null;
    case "number":
      return Number.isFinite(value) ? null : `is ${value}, which JSON cannot hold`;
    case "object":
      return value === null ? null : lookInto(value, walk);
    default:
      return value === undefined ? "is undefined, which JSON cannot hold" : `is a ${typeof value}, which JSON cannot hold`;
  }
}

function lookInto(value: object, walk: Walk): string | null {
  const { path } = walk;
  if (types.isProxy(value)) return "is a Proxy: give a plain object or a list";
  if (path.length >= walk.maxDepth) return `is nested more than ${maxDepth} levels deep, or holds itself`;
  if (++walk.values > maxValues) return `comes after more than ${maxValues} objects and lists`;
  const prototype: unknown = Object.getPrototypeOf(value);
  const isList = Array.isArray(value);
  if (prototype !== null && prototype !== (isList ? Array.prototype : Object.prototype))
    return `is a ${nameOf(prototype)}, which JSON cannot hold: give a plain object, a list or a text`;
  // Hidden members, too: a handler would see them, and a hidden toJSON would be called.
  const keys = Reflect.ownKeys(value);
  if (isList) {
    for (let index = 0; index < value.length; index++) {
      const what = lookAt(value, index, walk);
      if (what !== null) return what;
    }
    return keys.length > value.length + 1 ? "is a list with members that have names" : null;
  }
  for (const key of keys) {
    if (typeof key === "symbol") return "has a member whose name is a symbol, which JSON cannot hold";
    const what = lookAt(value, key, walk);
    if (what !== null) return what;
  }
  return null;
}

function lookAt(holder: object, key: PropertyKey, walk: Walk): string | null {
  walk.path.push(key);
  const member = Object.getOwnPropertyDescriptor(holder, key);
  let what: string | null;
  if (key === "__proto__") what = "the key __proto__ is refused";
  else if (member === undefined) what = "is missing in the list";
  else if (!member.enumerable) what = "is hidden (not enumerable), so JSON leaves it out";
  else if (member.get !== undefined || member.set !== undefined) what = "is a getter: give a value";
  else if (member.value === undefined && typeof key === "string") what = null;
  else what = look(member.value, walk);
  if (what === null) walk.path.pop();
  return what;
}

function nameOf(prototype: unknown): string {
  return textAt(valueAt(prototype, "constructor"), "name") ?? "object of a class of its own";
}

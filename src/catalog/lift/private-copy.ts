/**
 * A step gets data that nobody else holds. Its type is deeply readonly; code that writes to it all the same writes to its own copy, so the answer is the same
 * for every event, at any count.
 *
 * Freezing the input of every step costs more than all else together (540 ns to parse and freeze an order of two lines, 154 to parse it). Freezing only some
 * inputs made the same step work for some events and fail for others. Most schemas make a copy as they parse, so they need no further copy.
 */
import type { z } from "zod";

/** Types of zod whose output is new from top to bottom when their inner schemas' is. Anything that zod adds is copied until it is listed here. */
export const newWhenInnerIs: ReadonlySet<string> = new Set([
  "object",
  "array",
  "tuple",
  "record",
  "union",
  "optional",
  "nullable",
  "nonoptional",
  "readonly",
  "lazy",
]);
export const plainValues: ReadonlySet<string> = new Set(["string", "number", "boolean", "null", "literal", "enum", "template_literal", "never"]);

export interface Definition {
  readonly type: string;
  readonly checks?: readonly { readonly _zod: { readonly def: { readonly check: string; readonly fn?: unknown } } }[];
  readonly catchall?: z.core.$ZodType;
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly element?: z.core.$ZodType;
  readonly items?: readonly z.core.$ZodType[];
  readonly rest?: z.core.$ZodType | null;
  readonly mode?: string;
  readonly keyType?: z.core.$ZodType;
  readonly valueType?: z.core.$ZodType;
  readonly options?: readonly z.core.$ZodType[];
  readonly innerType?: z.core.$ZodType;
  readonly getter?: () => z.core.$ZodType;
  /** The values of a literal or an enum. */
  readonly values?: readonly unknown[];
  readonly entries?: Readonly<Record<string, unknown>>;
  readonly defaultValue?: unknown;
}

/** Whether the schema's output shares no part with its input, or with the schema itself, as a default does. */
export function copiesWhatItParses(schema: z.core.$ZodType, met: Set<z.core.$ZodType> = new Set()): boolean {
  if (met.has(schema)) return true; // within itself: judged where it was met first
  met.add(schema);
  const def = schema._zod.def as unknown as Definition;
  // A check may replace a text or number, which nobody can write to. It may also replace an object, by one that the check keeps.
  if (plainValues.has(def.type)) return true;
  if (!newWhenInnerIs.has(def.type) || def.mode === "loose") return false;
  if (def.checks?.some((check) => check._zod.def.check === "overwrite") === true) return false;
  return innerOf(def).every((inner) => copiesWhatItParses(inner, met));
}

/** The inner schemas of a schema of the types above. */
export function innerOf(def: Definition): readonly z.core.$ZodType[] {
  const inner = [
    ...Object.values(def.type === "object" ? (def.shape ?? {}) : {}),
    ...(def.items ?? []),
    ...(def.options ?? []),
    ...[def.catchall, def.element, def.rest, def.valueType, def.innerType, def.type === "lazy" ? def.getter?.() : undefined],
  ];
  return inner.filter((each) => each !== undefined && each !== null);
}

/** Deeper data is copied without recursion, because JSON may nest to any depth. */
const maxDepth = 64;

/** A copy of data as JSON holds it, all the way down; what is no plain object or array stays what it is. @param mayRing the data may hold itself, or one part twice. */
export function copyDeep(value: unknown, mayRing: boolean): unknown {
  return mayRing ? copyFlat(value) : copyTree(value, 0);
}

function copyTree(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (depth === maxDepth) return copyFlat(value);
  // A list or object is copied whole, and then its members that are lists or objects are replaced. This takes half the time of a copy member by member.
  if (Array.isArray(value)) {
    const items: unknown[] = value.slice();
    for (let index = 0; index < items.length; index++) if (isObject(items[index])) items[index] = copyTree(items[index], depth + 1);
    return items;
  }
  if (!isPlain(value)) return value;
  const copy: Record<string, unknown> = { ...value };
  for (const name of Object.keys(copy)) if (isObject(copy[name])) copy[name] = copyTree(copy[name], depth + 1);
  return copy;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

/** Copies by a list of open work in place of recursion, and copies each part once. */
function copyFlat(value: unknown): unknown {
  const copies = new Map<object, Record<string, unknown>>();
  const left: [from: object, to: Record<string, unknown>][] = [];
  const copyOf = (part: unknown): unknown => {
    if (typeof part !== "object" || part === null || !(Array.isArray(part) || isPlain(part))) return part;
    let copy = copies.get(part);
    if (copy === undefined) {
      copy = (Array.isArray(part) ? new Array(part.length) : {}) as Record<string, unknown>;
      copies.set(part, copy);
      left.push([part, copy]);
    }
    return copy;
  };
  const whole = copyOf(value);
  for (let next = left.pop(); next !== undefined; next = left.pop())
    for (const name of Object.keys(next[0])) define(next[1], name, copyOf((next[0] as Readonly<Record<string, unknown>>)[name]));
  return whole;
}

function define(copy: Record<string, unknown>, name: string, value: unknown): void {
  if (name === "__proto__") Object.defineProperty(copy, name, { value, writable: true, enumerable: true, configurable: true });
  else copy[name] = value;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** What a chain gives, at its end: handlers get it as it is, and everyone else as JSON, so it has to be the same in both. */
import { types } from "node:util";
import { textAt, valueAt } from "../event/thrown.ts";
import { below } from "./places.ts";

const maxDepth = 128;
/** Objects and lists: an append of 960,000 bytes has room for 320,000. Two lists that hold the same twice, thirty times over, are a billion. */
const maxValues = 500_000;

/** Whether a schema (as JSON Schema) lets anything through as it is: only then can what it gives be no JSON. */
export function mayGiveOther(jsonSchema: unknown): boolean {
  if (typeof jsonSchema !== "object" || jsonSchema === null) return false;
  if (Array.isArray(jsonSchema)) return jsonSchema.some(mayGiveOther);
  const rules = Object.entries(jsonSchema).filter(([name]) => !annotations.has(name));
  return rules.length === 0 || rules.some(([, rule]) => mayGiveOther(rule));
}

const annotations: ReadonlySet<string> = new Set(["title", "description", "default", "examples", "id", "deprecated", "readOnly", "$id", "$schema", "$comment"]);

/**
 * Why data is not the same as JSON, and where: `/lines/0/at: is a Date, which JSON cannot hold`. Null when it is. A member that is undefined is as good as
 * none. Never throws, whatever the data may be.
 */
export function otherThanJson(data: unknown): string | null {
  const walk: Walk = { path: [], values: 0 };
  try {
    const what = look(data, walk);
    return what === null ? null : `${walk.path.length === 0 ? "data" : below("", ...walk.path)}: ${what}`;
  } catch {
    return `${walk.path.length === 0 ? "data" : below("", ...walk.path)}: cannot be read: it throws`;
  }
}

interface Walk {
  /** Where the look is; where it ended, when it found something. */
  readonly path: PropertyKey[];
  values: number;
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
  if (path.length >= maxDepth) return `is nested more than ${maxDepth} levels deep, or holds itself`;
  if (++walk.values > maxValues) return `comes after more than ${maxValues} objects and lists`;
  const prototype: unknown = Object.getPrototypeOf(value);
  const isList = Array.isArray(value);
  if (prototype !== null && prototype !== (isList ? Array.prototype : Object.prototype))
    return `is a ${nameOf(prototype)}, which JSON cannot hold: give a plain object, a list or a text`;
  if (Object.getOwnPropertySymbols(value).length > 0) return "has a member whose name is a symbol, which JSON cannot hold";
  if (isList) {
    for (let index = 0; index < value.length; index++) {
      const what = lookAt(value, index, walk);
      if (what !== null) return what;
    }
    if (Object.keys(value).length > value.length) return "is a list with members that have names";
    return null;
  }
  for (const key in value) {
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
  else if (member === undefined) what = "is missing in the list, or inherited";
  else if (member.get !== undefined || member.set !== undefined) what = "is a getter: give a value";
  else if (member.value === undefined && typeof key === "string") what = null;
  else what = look(member.value, walk);
  if (what === null) walk.path.pop();
  return what;
}

function nameOf(prototype: unknown): string {
  return textAt(valueAt(prototype, "constructor"), "name") ?? "object of a class of its own";
}

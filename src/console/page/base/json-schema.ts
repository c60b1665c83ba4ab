/**
 * Judges a value by a JSON Schema while it is typed. Of JSON Schema 2020-12 it knows what event types are written with; what it does not know it lets pass,
 * because the service judges again.
 */
import { ExactNumber } from "./exact-json.ts";

export interface Schema {
  readonly [keyword: string]: unknown;
}

const maxFaults = 20;

export function faultsOf(schema: Schema, value: unknown): readonly string[] {
  const faults: string[] = [];
  judge(schema, value, "", { root: schema, say: (pointer, fault) => void (faults.length < maxFaults && faults.push(`${pointer || "The data"} ${fault}.`)) });
  return faults;
}

interface Judging {
  readonly root: Schema;
  readonly say: (pointer: string, fault: string) => void;
}

function judge(schema: unknown, value: unknown, at: string, judging: Judging): void {
  if (schema === false) judging.say(at, "must not be there");
  if (typeof schema !== "object" || schema === null) return;
  const given = schema as Schema;
  if (typeof given.$ref === "string") judge(resolve(judging.root, given.$ref), value, at, judging);
  if (!isOfType(given.type, value)) {
    judging.say(at, `must be ${[given.type].flat().map(nameOfType).join(" or ")}`);
    return;
  }
  if ("const" in given && !isEqual(given.const, value)) judging.say(at, `must be ${JSON.stringify(given.const)}`);
  if (Array.isArray(given.enum) && !given.enum.some((each) => isEqual(each, value)))
    judging.say(at, `must be one of ${given.enum.map((each) => JSON.stringify(each)).join(", ")}`);
  for (const each of asList(given.allOf)) judge(each, value, at, judging);
  for (const either of [asList(given.anyOf), asList(given.oneOf)])
    if (either.length > 0 && !either.some((each) => passes(each, value, judging))) judging.say(at, "is none of the shapes that it may have");
  if (typeof value === "string") judgeText(given, value, at, judging);
  else if (typeof value === "number") judgeNumber(given, value, at, judging);
  else if (Array.isArray(value)) judgeList(given, value, at, judging);
  else if (typeof value === "object" && value !== null && !(value instanceof ExactNumber))
    judgeObject(given, value as Readonly<Record<string, unknown>>, at, judging);
}

function passes(schema: unknown, value: unknown, { root }: Judging): boolean {
  let isRight = true;
  judge(schema, value, "", { root, say: () => (isRight = false) });
  return isRight;
}

function judgeText({ minLength, maxLength, pattern }: Schema, value: string, at: string, { say }: Judging): void {
  const length = [...value].length;
  if (typeof minLength === "number" && length < minLength) say(at, `must have at least ${minLength} characters`);
  if (typeof maxLength === "number" && length > maxLength) say(at, `must have at most ${maxLength} characters`);
  if (typeof pattern === "string" && !matches(pattern, value)) say(at, `must look like ${pattern}`);
}

function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    return true;
  }
}

function judgeNumber({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Schema, value: number, at: string, { say }: Judging): void {
  if (typeof minimum === "number" && value < minimum) say(at, `must be at least ${minimum}`);
  if (typeof maximum === "number" && value > maximum) say(at, `must be at most ${maximum}`);
  if (typeof exclusiveMinimum === "number" && value <= exclusiveMinimum) say(at, `must be above ${exclusiveMinimum}`);
  if (typeof exclusiveMaximum === "number" && value >= exclusiveMaximum) say(at, `must be below ${exclusiveMaximum}`);
}

function judgeList({ items, prefixItems, minItems, maxItems }: Schema, value: readonly unknown[], at: string, judging: Judging): void {
  if (typeof minItems === "number" && value.length < minItems) judging.say(at, `must have at least ${minItems} items`);
  if (typeof maxItems === "number" && value.length > maxItems) judging.say(at, `must have at most ${maxItems} items`);
  const first = asList(prefixItems);
  for (const [index, item] of value.entries()) judge(index < first.length ? first[index] : items, item, `${at}/${index}`, judging);
}

function judgeObject({ properties, required, additionalProperties }: Schema, value: Readonly<Record<string, unknown>>, at: string, judging: Judging): void {
  const known = (properties ?? {}) as Readonly<Record<string, unknown>>;
  for (const name of asList(required)) if (!Object.hasOwn(value, String(name))) judging.say(`${at}/${name}`, "is missing");
  for (const [name, member] of Object.entries(value)) {
    if (Object.hasOwn(known, name)) judge(known[name], member, `${at}/${name}`, judging);
    else if (additionalProperties === false) judging.say(`${at}/${name}`, "is no member that the schema knows");
    else judge(additionalProperties, member, `${at}/${name}`, judging);
  }
}

/** `#/$defs/Money` */
function resolve(root: Schema, ref: string): unknown {
  if (!ref.startsWith("#")) return true;
  let found: unknown = root;
  for (const part of ref.slice(1).split("/").slice(1)) found = (found as Schema | undefined)?.[part.replaceAll("~1", "/").replaceAll("~0", "~")];
  // A schema that holds itself would never end.
  return found === root ? true : found;
}

const types: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number" || value instanceof ExactNumber,
  integer: (value) => (typeof value === "number" ? Number.isInteger(value) : value instanceof ExactNumber && /^-?\d+(\.0+)?$/.test(value.digits)),
  boolean: (value) => typeof value === "boolean",
  null: (value) => value === null,
  array: Array.isArray,
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber),
};

function isOfType(type: unknown, value: unknown): boolean {
  return type === undefined || [type].flat().some((each) => types[String(each)]?.(value) ?? true);
}

function nameOfType(type: unknown): string {
  return (
    { integer: "a whole number", number: "a number", string: "text", array: "a list", object: "an object", boolean: "true or false" }[String(type)] ??
    String(type)
  );
}

function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Makes payloads from a JSON Schema: always the same ones for the same schema, because the lock records the results of the steps for them. */

import type { Json } from "../../event/event.ts";
import { makeNumber, makeText } from "./plain-values.ts";
import { NoPayload, type Plan } from "./plan.ts";
import { maxDepth, resolveRef, type Shape } from "./shape.ts";

export const unlistedName = "unlisted_member";

const shortDepth = 6;

const maxAlternatives = 8;

/** The most places of one payload. Beyond it, a payload of a recursive schema grows only as far as it must. */
const maxPlaces = 500;

/** The plans that show different sides of a schema, by name; a payload that comes out twice is kept under its first name. */
export function payloadsOf(root: Shape): ReadonlyMap<string, Json> {
  const usual: Plan = { optional: true, size: "usual", pick: 0, unlisted: false };
  const plans: readonly (readonly [string, Plan])[] = [
    ["full", usual],
    ["minimal", { ...usual, optional: false }],
    // At least two, because different numbers and texts show more of what a step does.
    ...Array.from({ length: Math.min(Math.max(alternativesOf(root, root, 0), 2), maxAlternatives) - 1 }, (_, index) => {
      return [`other-${index + 2}`, { ...usual, pick: index + 1 }] as const;
    }),
    ["smallest", { ...usual, size: "smallest" }],
    ["largest", { ...usual, size: "largest", pick: 1 }],
    ["unlisted", { ...usual, unlisted: true }],
  ];
  const payloads = new Map<string, Json>();
  const seen = new Set<string>();
  for (const [name, plan] of plans) {
    const payload = payloadOf(root, root, plan);
    if (payload === undefined || seen.has(JSON.stringify(payload))) continue;
    seen.add(JSON.stringify(payload));
    payloads.set(name, payload);
  }
  return payloads;
}

/** @returns undefined when none can be made. */
export function payloadOf(root: Shape, shape: Shape, plan: Plan): Json | undefined {
  try {
    return make(root, shape, plan, "value", 0, { left: maxPlaces });
  } catch (error) {
    if (error instanceof NoPayload) return undefined;
    throw error;
  }
}

/** The largest number of alternatives at one place: so many payloads show each alternative once. */
function alternativesOf(root: Shape, at: Shape, depth: number, budget: Budget = { left: maxPlaces }): number {
  if (depth > shortDepth || budget.left-- < 0) return 1;
  const shape = resolveRef(root, at);
  const options = shape.anyOf ?? shape.oneOf ?? [];
  const inner = [
    ...options,
    ...(shape.allOf ?? []),
    ...Object.values(shape.properties ?? {}),
    ...(shape.prefixItems ?? []),
    ...(typeof shape.items === "object" ? [shape.items] : []),
    ...(typeof shape.additionalProperties === "object" ? [shape.additionalProperties] : []),
  ];
  const own = shape.enum?.length ?? (shape.type === "boolean" ? 2 : options.length);
  return Math.max(1, own, ...inner.map((each) => alternativesOf(root, each, depth + 1, budget)));
}

interface Budget {
  left: number;
}

function make(root: Shape, at: Shape, plan: Plan, name: string, depth: number, budget: Budget): Json {
  if (depth > maxDepth || budget.left < -maxPlaces) throw new NoPayload();
  budget.left--;
  const shape = resolveRef(root, at);
  if (shape.const !== undefined) return shape.const;
  if (shape.enum !== undefined) return chosen(shape.enum, plan);
  const options = shape.anyOf ?? shape.oneOf;
  // A recursive schema ends at an alternative that is not recursive.
  const ends = (): Shape => options!.findLast((option) => !JSON.stringify(option).includes('"$ref"')) ?? options!.at(-1)!;
  if (options !== undefined) return make(root, isShort(depth, budget) ? ends() : chosen(options, plan), plan, name, depth + 1, budget);
  if (shape.allOf !== undefined) return makeAll(root, shape.allOf, plan, name, depth, budget);
  switch (shape.type) {
    case "object":
      return makeObject(root, shape, plan, depth, budget);
    case "array":
      return makeArray(root, shape, plan, name, depth, budget);
    case "string":
      return makeText(shape, plan, name);
    case "integer":
    case "number":
      return makeNumber(shape, plan);
    case "boolean":
      return plan.size === "usual" ? plan.pick % 2 === 0 : plan.size === "largest";
    case "null":
      return null;
    default:
      if ("not" in shape) throw new NoPayload();
      return chosen<Json>([`any ${name}`, null, { nested: [1] }], plan);
  }
}

function chosen<T>(options: readonly T[], { pick, size }: Plan): T {
  if (options.length === 0) throw new NoPayload();
  return size === "largest" ? options.at(-1)! : options[pick % options.length]!;
}

function isShort(depth: number, { left }: Budget): boolean {
  return depth > shortDepth || left < 0;
}

function makeAll(root: Shape, all: readonly Shape[], plan: Plan, name: string, depth: number, budget: Budget): Json {
  const made = all.map((each) => make(root, each, plan, name, depth + 1, budget));
  if (made.every((each) => typeof each === "object" && each !== null && !Array.isArray(each))) return Object.assign({}, ...made) as Json;
  return made[0] ?? null;
}

function makeObject(root: Shape, shape: Shape, plan: Plan, depth: number, budget: Budget): Json {
  const required = new Set(shape.required ?? []);
  const optional = plan.optional && !isShort(depth, budget);
  const names = Object.keys(shape.properties ?? {}).filter((name) => required.has(name) || optional);
  const members: [string, Json][] = names.map((name) => [name, make(root, shape.properties![name]!, plan, name, depth + 1, budget)]);
  const { additionalProperties: others } = shape;
  if (typeof others === "object" && shape.properties === undefined) {
    const keys = required.size > 0 ? [...required] : optional && plan.size !== "smallest" ? keysOf(root, shape.propertyNames, plan) : [];
    for (const key of keys) members.push([key, make(root, others, plan, key, depth + 1, budget)]);
  } else if (plan.unlisted && others !== false && shape.properties !== undefined) members.push([unlistedName, "not in the schema"]);
  return Object.fromEntries(members);
}

/** Two keys of a record. */
function keysOf(root: Shape, names: Shape | undefined, plan: Plan): readonly string[] {
  const keys = [plan.pick, plan.pick + 1].map((pick) =>
    names === undefined ? `key${pick}` : make(root, names, { ...plan, pick }, `key${pick}`, 0, { left: maxPlaces }),
  );
  return [...new Set(keys.map(String))];
}

function makeArray(root: Shape, shape: Shape, plan: Plan, name: string, depth: number, budget: Budget): Json {
  const { items, prefixItems = [], minItems = 0, maxItems = Number.POSITIVE_INFINITY } = shape;
  const first = prefixItems.map((each, index) => make(root, each, plan, `${name}-${index + 1}`, depth + 1, budget));
  if (items === undefined || items === false) return first;
  // The first item is repeated, because this shows a step that counts, groups or removes repeated items.
  const usual = { smallest: minItems, usual: 3, largest: 4 }[plan.size];
  const wanted = isShort(depth, budget) ? minItems : Math.min(Math.max(usual, minItems), maxItems);
  const item = (index: number) => make(root, items, { ...plan, pick: plan.pick + index }, `${name}-${index + 1}`, depth + 1, budget);
  const different = Math.max(1, wanted - 1);
  return [...first, ...Array.from({ length: Math.max(0, wanted - first.length) }, (_, index) => item(index % different))];
}

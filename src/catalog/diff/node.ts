import type { Json } from "../../event/event.ts";
import { canonical, equal } from "../canonical.ts";

export type Node = Readonly<Record<string, Json>>;

export const annotations = new Set([
  "title",
  "description",
  "examples",
  "deprecated",
  "readOnly",
  "writeOnly",
  "id",
  "$id",
  "$comment",
  "$schema",
  "$defs",
  "default",
]);

export function itemsOf({ items }: Node): Node {
  if (items === false) return { not: {} };
  return isNode(items) ? items : {};
}

/** The schema for members that are not listed; `false` when they are refused. Where the schema says nothing, such members are accepted, but not read. */
export function othersOf({ additionalProperties }: Node): Node | false {
  if (additionalProperties === false) return false;
  return isNode(additionalProperties) ? additionalProperties : {};
}

export function optionsOf(node: Node): readonly Node[] | null {
  const { anyOf, oneOf, type } = node;
  if (Array.isArray(type)) {
    const alone = Object.keys(bare(node)).length === 1; // how zod writes kinds without limits
    return alone && anyOf === undefined && oneOf === undefined ? (type as readonly Json[]).map((each) => ({ type: each })) : null;
  }
  if (anyOf !== undefined && oneOf !== undefined) return null;
  const options = anyOf ?? oneOf;
  return Array.isArray(options) ? nodes(options) : null;
}

/** Without annotations. */
export function bare(node: Node): Node {
  return Object.fromEntries(Object.entries(node).filter(([keyword]) => !annotations.has(keyword)));
}

export const isAny = (node: Node): boolean => Object.keys(node).length === 0;

export const isNever = (node: Node): boolean => equal(node, { not: {} });

export function valuesOf(node: Node): readonly Json[] | null {
  if (node.const !== undefined) return [node.const];
  return Array.isArray(node.enum) ? (node.enum as readonly Json[]) : null;
}

/** A word for a schema: its type, or what it is made of. */
export function kindOf(node: Node): string {
  if (typeof node.type === "string") return node.type;
  const [keyword] = Object.keys(bare(node));
  return keyword === undefined ? "any" : keyword === "not" ? "never" : keyword;
}

export function membersOf({ properties }: Node): Readonly<Record<string, Node>> {
  return isNode(properties) ? (properties as Readonly<Record<string, Node>>) : {};
}

export function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

export function nodes(value: Json | undefined): readonly Node[] {
  return Array.isArray(value) ? ((value as readonly Json[]).map((each) => canonical(each)) as unknown as readonly Node[]) : [];
}

export function texts(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

function isNode(value: Json | undefined): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Gives equal JSON Schemas one wording, so that any difference that remains demands something else of data. */
import type { Json } from "../../event/event.ts";
import { canonical } from "../canonical.ts";

type Node = Readonly<Record<string, Json>>;

/** Members that say nothing about data. */
const annotations = new Set(["title", "description", "examples", "deprecated", "readOnly", "writeOnly", "id", "$id", "$comment", "$schema"]);
/** Members that hold values, not schemas. */
const values = new Set(["const", "enum", "default", "required"]);
/** Members that hold names, each with a schema. */
const named = new Set(["properties", "patternProperties", "$defs"]);

export function sameWords(schema: Node): Node {
  return reword(canonical(schema) as Node, canonical(schema) as Node) as Node;
}

function reword(at: Json, root: Node): Json {
  if (Array.isArray(at)) return (at as readonly Json[]).map((each) => reword(each, root));
  if (typeof at !== "object" || at === null) return at;
  const node: Record<string, Json> = {};
  for (const [keyword, inner] of Object.entries(at)) {
    if (annotations.has(keyword)) continue;
    if (named.has(keyword)) node[keyword] = Object.fromEntries(Object.entries(inner as Node).map(([name, each]) => [name, reword(each, root)]));
    else node[keyword] = values.has(keyword) ? inner : reword(inner, root);
  }
  if (node.const !== undefined) {
    node.enum = [node.const];
    delete node.const;
  }
  if (Array.isArray(node.enum)) {
    node.enum = inOrder(node.enum);
    delete node.type; // the values have it
  }
  if (JSON.stringify(node.enum) === "[false,true]") {
    node.type = "boolean";
    delete node.enum;
  }
  if (node.type === "integer") rewordLimits(node);
  if (Array.isArray(node.required)) node.required = inOrder(node.required);
  // Every name is a text.
  if (JSON.stringify(node.propertyNames) === '{"type":"string"}') delete node.propertyNames;
  if (Array.isArray(node.type) && node.anyOf === undefined && node.oneOf === undefined) {
    node.anyOf = (node.type as readonly Json[]).map((type) => ({ type }));
    delete node.type;
  }
  if (Array.isArray(node.allOf)) rewordAll(node);
  for (const keyword of ["oneOf", "anyOf"] as const) if (Array.isArray(node[keyword])) rewordOptions(node, keyword, root);
  return node;
}

/** For whole numbers, `> 5` and `>= 6` are the same limit. */
function rewordLimits(node: Record<string, Json>): void {
  for (const [exclusive, inclusive, next] of [
    ["exclusiveMinimum", "minimum", 1],
    ["exclusiveMaximum", "maximum", -1],
  ] as const) {
    const limit = node[exclusive];
    if (typeof limit !== "number" || !Number.isSafeInteger(limit) || !Number.isSafeInteger(limit + next)) continue;
    const other = node[inclusive];
    delete node[exclusive];
    node[inclusive] = typeof other === "number" ? (next === 1 ? Math.max(other, limit + next) : Math.min(other, limit + next)) : limit + next;
  }
}

/** Joins objects that share no member and say nothing about other members into one object. */
function rewordAll(node: Record<string, Json>): void {
  const all = node.allOf as unknown as readonly Node[];
  const names = all.flatMap((each) => Object.keys((each.properties ?? {}) as Node));
  const plain = all.every((each) => each.type === "object" && Object.keys(each).every((keyword) => ["type", "properties", "required"].includes(keyword)));
  if (!plain || new Set(names).size < names.length || Object.keys(node).length > 1) {
    node.allOf = inOrder(node.allOf as readonly Json[]);
    return;
  }
  delete node.allOf;
  const required = all.flatMap((each) => (each.required ?? []) as readonly Json[]);
  Object.assign(node, { type: "object", properties: Object.assign({}, ...all.map(({ properties = {} }) => properties)) as Json });
  if (required.length > 0) node.required = inOrder(required);
}

/** When no value fits two alternatives, they mean the same in any order, as `oneOf` and as `anyOf`. The order of other alternatives may decide the output. */
function rewordOptions(node: Record<string, Json>, keyword: "oneOf" | "anyOf", root: Node): void {
  const options = merge(flatten(node[keyword] as readonly Node[]));
  const disjoint = options.every((option, index) => options.slice(index + 1).every((other) => areDisjoint(option, other, root)));
  if (!disjoint) {
    node[keyword] = options;
    return;
  }
  delete node[keyword];
  if (options.length === 1 && Object.keys(node).length === 0) Object.assign(node, reword(options[0] as Json, root));
  else node.anyOf = inOrder(options);
}

/** Lifts the alternatives of an alternative one level up. */
function flatten(options: readonly Node[]): readonly Node[] {
  return options.flatMap((option) =>
    Array.isArray(option.anyOf) && Object.keys(option).length === 1 ? flatten(option.anyOf as unknown as readonly Node[]) : [option],
  );
}

/** Joins lists of values into one list, and removes repeated values. */
function merge(options: readonly Node[]): readonly Node[] {
  const lists = options.filter(isList);
  const all = [...new Map(lists.flatMap((option) => option.enum as readonly Json[]).map((value) => [JSON.stringify(value), value])).values()];
  const merged =
    lists.length < 2 ? options : options.flatMap((option) => (option === lists[0] ? [{ enum: inOrder(all) } as Node] : isList(option) ? [] : [option]));
  return [...new Map(merged.map((option) => [JSON.stringify(option), option])).values()];
}

const isList = (option: Node): boolean => Array.isArray(option.enum) && Object.keys(option).length === 1;

function areDisjoint(a: Node, b: Node, root: Node): boolean {
  const [first, second] = [follow(a, root), follow(b, root)];
  const [kinds, others] = [kindsOf(first), kindsOf(second)];
  if (kinds === null || others === null) return false;
  if (![...kinds].some((kind) => others.has(kind))) return true;
  if (isList(first) && isList(second)) return !(first.enum as readonly Json[]).some((value) => JSON.stringify(second.enum).includes(JSON.stringify(value)));
  if (first.type !== "object" || second.type !== "object") return false;
  const needs = (node: Node): ReadonlySet<Json> => new Set(Array.isArray(node.required) ? (node.required as readonly Json[]) : []);
  const [needed, alsoNeeded] = [needs(first), needs(second)];
  return Object.entries((first.properties ?? {}) as Readonly<Record<string, Node>>).some(([name, member]) => {
    const other = ((second.properties ?? {}) as Readonly<Record<string, Node>>)[name];
    return other !== undefined && needed.has(name) && alsoNeeded.has(name) && isTag(member, other);
  });
}

function isTag(a: Node, b: Node): boolean {
  const [first, second] = [a, b].map((node) => (node.const === undefined ? node.enum : [node.const]) as readonly Json[] | undefined);
  return first !== undefined && second !== undefined && !first.some((value) => second.some((other) => JSON.stringify(other) === JSON.stringify(value)));
}

/** The kinds of JSON that a schema accepts; null when it accepts any, or when nobody can tell. */
function kindsOf(node: Node): ReadonlySet<string> | null {
  const kind = (value: Json): string => (value === null ? "null" : Array.isArray(value) ? "array" : typeof value);
  const list = node.const === undefined ? node.enum : [node.const];
  if (Array.isArray(list)) return new Set((list as readonly Json[]).map(kind));
  if (typeof node.type === "string") return new Set([node.type === "integer" ? "number" : node.type]);
  const options = node.anyOf ?? node.oneOf;
  if (!Array.isArray(options)) return null;
  const inner = (options as unknown as readonly Node[]).map(kindsOf);
  return inner.includes(null) ? null : new Set(inner.flatMap((kinds) => [...kinds!]));
}

function follow(node: Node, root: Node): Node {
  let found = node;
  for (let hops = 0; typeof found.$ref === "string" && hops < 8; hops++) {
    const name = /^#\/\$defs\/(.+)$/.exec(found.$ref)?.[1];
    found = name === undefined ? root : (((root.$defs ?? {}) as Readonly<Record<string, Node>>)[name] ?? {});
  }
  return found;
}

/** Sorts by text, without the names of references, because those names follow from the order. */
function inOrder(list: readonly Json[]): readonly Json[] {
  const text = (value: Json): string => JSON.stringify(value).replace(/"\$ref":"[^"]*"/g, '"$ref"');
  return list.toSorted((a, b) => (text(a) < text(b) ? -1 : 1));
}

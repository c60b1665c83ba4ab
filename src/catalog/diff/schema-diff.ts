/**
 * What differs between two JSON Schemas as zod writes them, and whether a payload that is valid under the first is valid under the second.
 *
 * "yes" is a promise; what cannot be decided by looking is "unknown". Rule ids are stable.
 */
import type { Json } from "../../event/event.ts";
import { canonical, equal, short } from "../canonical.ts";
import type { HiddenRule } from "../hidden-rules.ts";
import type { DescribedSchema, JsonSchema } from "../json-schema.ts";
import { below } from "../places.ts";

export type Survival = "yes" | "no" | "unknown";

export interface Difference {
  /** `property-added-optional`, `enum-narrowed` …: docs/schema-evolution.md lists them. */
  readonly rule: DifferenceRule;
  /** JSON pointer into the JSON Schema of the second; into that of the first for what the second has not. */
  readonly at: string;
  /** What stands there; null where nothing does. */
  readonly before: Json;
  readonly after: Json;
  /** Do payloads that are valid under the first pass here? */
  readonly survives: Survival;
}

export const differenceRules = [
  "alternative-added",
  "alternative-removed",
  "alternatives-exclusive",
  "annotation-changed",
  "bound-loosened",
  "bound-tightened",
  "default-changed",
  "enum-closed",
  "enum-narrowed",
  "enum-opened",
  "enum-widened",
  "format-added",
  "format-changed",
  "format-removed",
  "hidden-rule",
  "keyword-changed",
  "null-allowed",
  "null-refused",
  "pattern-added",
  "pattern-changed",
  "pattern-removed",
  "property-added-optional",
  "property-added-required",
  "property-removed",
  "required-added",
  "required-removed",
  "tuple-changed",
  "type-changed",
  "type-widened",
  "unlisted-members-allowed",
  "unlisted-members-dropped",
  "unlisted-members-kept",
  "unlisted-members-refused",
] as const;
export type DifferenceRule = (typeof differenceRules)[number];

/** Of two versions as the catalog knows them, with what their JSON Schemas do not show. */
export function diffVersions(before: DescribedSchema, after: DescribedSchema): readonly Difference[] {
  const name = ({ what }: HiddenRule): string => what;
  // How zod counts is no difference where both count so.
  const [was, is] = [before, after].map(({ hidden }) => new Set(hidden.filter(({ what }) => what.startsWith("lengths ")).map(({ at }) => at)));
  const isTold = ({ at, what }: HiddenRule): boolean => what.startsWith("in this order") || (what.startsWith("lengths ") && was!.has(at) && is!.has(at)); // what changes a text on the way is a rule of its own
  const hidden: readonly Difference[] = [
    // Anything but a refinement may take more than the JSON Schema says: a coercion, a regular expression that ignores case, a trim before a length.
    ...before.hidden
      .filter((rule) => !rule.what.startsWith("refine") && !isTold(rule))
      .map((rule): Difference => ({ rule: "hidden-rule", at: rule.at, before: name(rule), after: null, survives: "unknown" })),
    ...after.hidden
      .filter((rule) => !isTold(rule))
      .map((rule): Difference => ({ rule: "hidden-rule", at: rule.at, before: null, after: name(rule), survives: "unknown" })),
  ];
  return [...diffSchemas(before.jsonSchema, after.jsonSchema), ...hidden];
}

/** Of two JSON Schemas alone. */
export function diffSchemas(before: JsonSchema, after: JsonSchema): readonly Difference[] {
  const [from, to] = [canonical(before) as Node, canonical(after) as Node];
  return compare(from, to, "", { before: from, after: to, pairs: new Set(), work: { left: maxPairs } });
}

/** The verdict on the whole: the worst of all. */
export function survival(found: readonly Difference[]): Survival {
  if (found.some(({ survives }) => survives === "no")) return "no";
  return found.some(({ survives }) => survives === "unknown") ? "unknown" : "yes";
}

/** `/properties/total/maximum: 5 → 6 (bound-loosened)`. */
export function describeDifference({ rule, at, before, after }: Difference): string {
  return `${at === "" ? "(the whole)" : at}: ${before === null ? "–" : short(before)} → ${after === null ? "–" : short(after)} (${rule})`;
}

type Node = Readonly<Record<string, Json>>;

interface Context {
  readonly before: Node;
  readonly after: Node;
  /** Pairs of recursive places that are being compared: met again within, they add nothing. */
  readonly pairs: Set<string>;
  /** Pairs that may still be looked at, over all: alternatives that refer to one another multiply. */
  readonly work: { left: number };
}

const maxPairs = 5000;
/** Places within places; deeper than anyone writes, and far from the end of the stack. */
const maxNesting = 200;

const annotations = new Set([
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
const numberBounds = ["minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf"];
const understood: Readonly<Record<string, ReadonlySet<string>>> = {
  string: new Set(["type", "minLength", "maxLength", "pattern", "format"]),
  number: new Set(["type", ...numberBounds]),
  integer: new Set(["type", ...numberBounds]),
  array: new Set(["type", "items", "prefixItems", "minItems", "maxItems"]),
  object: new Set(["type", "properties", "required", "additionalProperties", "propertyNames"]),
  boolean: new Set(["type"]),
  null: new Set(["type"]),
};

function compare(before: Node, after: Node, at: string, context: Context): readonly Difference[] {
  const { pairs, work } = context;
  if (work.left-- <= 0 || pairs.size > maxNesting) return [difference("keyword-changed", at, kindOf(before), kindOf(after), "unknown")];
  // The same texts are the same schemas, wherever they stand: only what refers to others can be met within itself.
  const texts = `${JSON.stringify(before)} ${JSON.stringify(after)}`;
  if (!texts.includes('"$ref"')) return compareHere(before, after, at, context);
  if (pairs.has(texts)) return [];
  pairs.add(texts);
  const found = compareHere(before, after, at, context);
  pairs.delete(texts);
  return found;
}

function compareHere(before: Node, after: Node, at: string, context: Context): readonly Difference[] {
  const told = annotationChanges(before, after, at);
  if (typeof before.$ref === "string" || typeof after.$ref === "string")
    return [...told, ...compare(follow(before, context.before), follow(after, context.after), at, context)];
  const [fromOptions, toOptions] = [optionsOf(before), optionsOf(after)];
  if (fromOptions !== null || toOptions !== null) return [...told, ...compareOptions(before, after, at, context)];
  return [...told, ...compareKinds(before, after, at, context)];
}

function annotationChanges(before: Node, after: Node, at: string): Difference[] {
  return [...annotations].flatMap((keyword) => {
    if (keyword === "$defs" || keyword === "$schema" || equal(before[keyword], after[keyword])) return [];
    return [difference(keyword === "default" ? "default-changed" : "annotation-changed", below(at, keyword), before[keyword], after[keyword], "yes")];
  });
}

function compareKinds(before: Node, after: Node, at: string, context: Context): readonly Difference[] {
  const [from, to] = [bare(before), bare(after)];
  if (isNever(from)) return isNever(to) ? [] : [difference("type-changed", at, "never", kindOf(to), "yes")];
  if (isAny(to)) return isAny(from) ? [] : [difference("type-widened", at, kindOf(from), "any", "yes")];
  if (isAny(from) || isNever(to)) return [difference("type-changed", at, kindOf(from), kindOf(to), "no")];
  const [fromValues, toValues] = [valuesOf(from), valuesOf(to)];
  if (fromValues !== null || toValues !== null) return compareValues(from, to, fromValues, toValues, at);
  const [type, next] = [from.type, to.type];
  if (typeof type !== "string" || typeof next !== "string" || understood[type] === undefined || understood[next] === undefined)
    return sameKind(from, to, context) ? [] : [difference("keyword-changed", at, from, to, "unknown")];
  const widened = type === "integer" && next === "number";
  if (type !== next && !widened) return [difference("type-changed", below(at, "type"), type, next, "no")];
  const found: Difference[] = widened ? [difference("type-widened", below(at, "type"), type, next, "yes")] : [];
  for (const keyword of new Set([...Object.keys(from), ...Object.keys(to)]))
    if (!understood[next]!.has(keyword) && !(equal(from[keyword], to[keyword]) && sameKind(from, to, context)))
      found.push(difference("keyword-changed", below(at, keyword), from[keyword], to[keyword], "unknown"));
  if (next === "string") found.push(...compareTexts(from, to, at));
  if (next === "number" || next === "integer") found.push(...compareNumbers(from, to, at));
  if (next === "array") found.push(...compareArrays(from, to, at, context));
  if (next === "object") found.push(...compareObjects(from, to, at, context));
  return found;
}

/** Deeply the same, references included. */
function sameKind(from: Node, to: Node, context: Context): boolean {
  if (!equal(from, to)) return false;
  return !JSON.stringify(from).includes('"$ref"') || equal(context.before, context.after);
}

function compareTexts(from: Node, to: Node, at: string): readonly Difference[] {
  const found = [...bound("minLength", from, to, at, "low"), ...bound("maxLength", from, to, at, "high")];
  for (const keyword of ["pattern", "format"] as const) {
    const [was, is] = [from[keyword], to[keyword]];
    if (was === is) continue;
    if (is === undefined) found.push(difference(`${keyword}-removed`, below(at, keyword), was, is, "yes"));
    else if (was === undefined) found.push(difference(`${keyword}-added`, below(at, keyword), was, is, "no"));
    else found.push(difference(`${keyword}-changed`, below(at, keyword), was, is, "unknown"));
  }
  return found;
}

function compareNumbers(from: Node, to: Node, at: string): readonly Difference[] {
  const found = [
    ...bound("minimum", from, to, at, "low"),
    ...bound("exclusiveMinimum", from, to, at, "low"),
    ...bound("maximum", from, to, at, "high"),
    ...bound("exclusiveMaximum", from, to, at, "high"),
  ];
  const [was, is] = [from.multipleOf, to.multipleOf];
  if (was === is) return found;
  const within = is === undefined || (Number.isInteger(was) && Number.isInteger(is) && Number(was) % Number(is) === 0);
  return [...found, difference(within ? "bound-loosened" : "bound-tightened", below(at, "multipleOf"), was, is, within ? "yes" : "no")];
}

/** One limit; a lower limit that rises is tightened. zod's limits of a safe integer are those of every integer: none. */
function bound(keyword: string, from: Node, to: Node, at: string, side: "low" | "high"): Difference[] {
  const none = side === "low" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const limit = (node: Node): number => {
    const value = node[keyword];
    return typeof value !== "number" || (Math.abs(value) === Number.MAX_SAFE_INTEGER && from.type === "integer") ? none : value;
  };
  const [was, is] = [limit(from), limit(to)];
  if (was === is) return [];
  const tightened = side === "low" ? is > was : is < was;
  return [difference(tightened ? "bound-tightened" : "bound-loosened", below(at, keyword), from[keyword], to[keyword], tightened ? "no" : "yes")];
}

function compareArrays(from: Node, to: Node, at: string, context: Context): readonly Difference[] {
  const found = [...bound("minItems", from, to, at, "low"), ...bound("maxItems", from, to, at, "high")];
  const [first, second] = [nodes(from.prefixItems), nodes(to.prefixItems)];
  if (first.length !== second.length) return [...found, difference("tuple-changed", below(at, "prefixItems"), first.length, second.length, "unknown")];
  first.forEach((item, index) => void found.push(...compare(item, second[index]!, below(at, "prefixItems", index), context)));
  const [was, is] = [itemsOf(from), itemsOf(to)];
  return [...found, ...compare(was, is, below(at, "items"), context)];
}

function itemsOf({ items }: Node): Node {
  if (items === false) return { not: {} };
  return isNode(items) ? items : {};
}

function compareObjects(from: Node, to: Node, at: string, context: Context): readonly Difference[] {
  const [was, is] = [membersOf(from), membersOf(to)];
  const [needed, needs] = [new Set(texts(from.required)), new Set(texts(to.required))];
  const found: Difference[] = [];
  for (const name of new Set([...Object.keys(was), ...Object.keys(is), ...needed, ...needs])) {
    const place = below(at, "properties", name);
    const [before, after] = [own(was, name), own(is, name)];
    if (before !== undefined && after !== undefined) found.push(...compare(before, after, place, context));
    else if (after !== undefined) found.push(memberAdded(after, needs.has(name), from, place, context, needed.has(name)));
    else if (before !== undefined) found.push(...memberRemoved(before, to, place, context));
    if (after !== undefined && before === undefined) continue;
    if (needs.has(name) && !needed.has(name)) found.push(difference("required-added", below(at, "required"), null, name, "no"));
    if (needed.has(name) && !needs.has(name) && after !== undefined) found.push(difference("required-removed", below(at, "required"), name, null, "yes"));
  }
  return [...found, ...compareOthers(from, to, at, context), ...compareNames(from, to, at, context)];
}

/** Payloads may have had a member of that name already, of any kind, where the first schema takes members that it does not list. */
function memberAdded(after: Node, required: boolean, from: Node, place: string, context: Context, wasRequired: boolean): Difference {
  const rule = required ? "property-added-required" : "property-added-optional";
  if (required && !wasRequired) return difference(rule, place, null, after, "no");
  const others = othersOf(from);
  if (others === false) return difference(rule, place, null, after, "yes");
  return difference(rule, place, null, after, survival(compare(others, after, place, context)) === "yes" ? "yes" : "unknown");
}

function memberRemoved(before: Node, to: Node, place: string, context: Context): readonly Difference[] {
  const others = othersOf(to);
  const survives = others === false ? "no" : survival(compare(before, others, place, context));
  return [difference("property-removed", place, before, null, survives)];
}

/** What becomes of members that are not listed. */
function compareOthers(from: Node, to: Node, at: string, context: Context): readonly Difference[] {
  const [was, is] = [othersOf(from), othersOf(to)];
  const place = below(at, "additionalProperties");
  if (was === false) return is === false ? [] : [difference("unlisted-members-allowed", place, false, is, "yes")];
  if (is === false) return [difference("unlisted-members-refused", place, from.additionalProperties, false, "no")];
  const [kept, keeps] = [from.additionalProperties !== undefined, to.additionalProperties !== undefined];
  if (kept && !keeps) return [difference("unlisted-members-dropped", place, from.additionalProperties, null, "yes")];
  const found = compare(was, is, place, context);
  return !kept && keeps ? [difference("unlisted-members-kept", place, null, to.additionalProperties, "yes"), ...found] : found;
}

function compareNames(from: Node, to: Node, at: string, context: Context): readonly Difference[] {
  const [was, is] = [from.propertyNames, to.propertyNames];
  const place = below(at, "propertyNames");
  if (equal(was, is)) return [];
  if (is === undefined) return [difference("keyword-changed", place, was, is, "yes")];
  const listed = Object.keys(membersOf(from)).length > 0;
  if (was === undefined || listed) return [difference("keyword-changed", place, was, is, "unknown")];
  return compare(was as Node, is as Node, place, context);
}

/** `false`: refused; a schema: they have to fit it. Left out, they are taken, and left out of what is read. */
function othersOf({ additionalProperties }: Node): Node | false {
  if (additionalProperties === false) return false;
  return isNode(additionalProperties) ? additionalProperties : {};
}

function compareValues(from: Node, to: Node, was: readonly Json[] | null, is: readonly Json[] | null, at: string): readonly Difference[] {
  const has = (values: readonly Json[], value: Json): boolean => values.some((each) => equal(each, value));
  if (was !== null && is !== null) {
    const removed = was.filter((value) => !has(is, value));
    const added = is.filter((value) => !has(was, value));
    return [
      ...(removed.length > 0 ? [difference("enum-narrowed", below(at, "enum"), removed, null, "no")] : []),
      ...(added.length > 0 ? [difference("enum-widened", below(at, "enum"), null, added, "yes")] : []),
    ];
  }
  if (was === null) return [difference("enum-closed", below(at, "enum"), kindOf(from), is, "no")];
  const verdicts = was.map((value) => takes(to, value));
  const survives = verdicts.includes("no") ? "no" : verdicts.includes("unknown") ? "unknown" : "yes";
  return [difference("enum-opened", below(at, "enum"), was, kindOf(to), survives)];
}

/** Does a schema without alternatives take one plain value? */
function takes(schema: Node, value: Json): Survival {
  const { type } = schema;
  const fits = type === typeof value || (type === "integer" && Number.isSafeInteger(value)) || (type === "null" && value === null);
  if (!fits) return "no";
  const keywords = Object.keys(schema).filter((keyword) => keyword !== "type");
  if (typeof value === "number" && Math.abs(value) < Number.MAX_SAFE_INTEGER) {
    if (keywords.every((keyword) => keyword === "minimum" || keyword === "maximum"))
      return value >= Number(schema.minimum ?? value) && value <= Number(schema.maximum ?? value) ? "yes" : "no";
  } else if (typeof value === "string" && keywords.every((keyword) => keyword === "minLength" || keyword === "maxLength"))
    return value.length >= Number(schema.minLength ?? 0) && value.length <= Number(schema.maxLength ?? value.length) ? "yes" : "no";
  return keywords.length === 0 ? "yes" : "unknown";
}

/** Each old alternative has to fit one of the new ones. */
function compareOptions(before: Node, after: Node, at: string, context: Context): readonly Difference[] {
  const [from, to] = [optionsOf(before) ?? [before], optionsOf(after) ?? [after]];
  const keyword = ["oneOf", "anyOf"].find((each) => after[each] !== undefined) ?? (Array.isArray(after.type) ? "type" : undefined);
  const place = keyword === undefined ? at : below(at, keyword);
  const found: Difference[] = [];
  // zod writes nothing beside alternatives; what someone else writes there is not looked into.
  const beside = optionsOf(after) === null ? [] : Object.keys(bare(after)).filter((each) => each !== keyword);
  for (const each of beside) found.push(difference("keyword-changed", below(at, each), before[each], after[each], "unknown"));
  if (after.oneOf !== undefined && !isTagged(to) && !sameKind(bare(before), bare(after), context))
    found.push(difference("alternatives-exclusive", place, null, null, "unknown"));
  const free = new Set(to.keys());
  const waiting: Node[] = [];
  for (const option of from) {
    const match = [...free, ...to.keys()].find((index) => compare(option, to[index]!, place, context).every(({ rule }) => rule === "annotation-changed"));
    if (match === undefined) waiting.push(option);
    else free.delete(match);
  }
  for (const option of waiting) {
    const open = [...free];
    const likely =
      open.find((index) => tagOf(option) !== null && tagOf(option) === tagOf(to[index]!)) ??
      open.find((index) => kindOf(option) === kindOf(to[index]!) && kindOf(option) !== "null");
    const fits = to.find((each) => survival(compare(option, each, place, context)) === "yes");
    if (likely !== undefined) {
      free.delete(likely);
      const inner = compare(option, to[likely]!, optionsOf(after) === null ? at : below(place, likely), context);
      // It may fit another alternative as it is.
      found.push(...(fits === undefined ? inner : inner.map((each): Difference => ({ ...each, survives: "yes" }))));
    } else if (kindOf(option) === "null") found.push(difference("null-refused", place, null, null, fits === undefined ? "no" : "yes"));
    else found.push(difference("alternative-removed", place, option, null, fits === undefined ? "unknown" : "yes"));
  }
  for (const index of free)
    found.push(
      kindOf(to[index]!) === "null"
        ? difference("null-allowed", below(place, index), null, null, "yes")
        : difference("alternative-added", below(place, index), null, to[index]!, "yes"),
    );
  return found;
}

function optionsOf(node: Node): readonly Node[] | null {
  const { anyOf, oneOf, type } = node;
  if (Array.isArray(type)) {
    const alone = Object.keys(bare(node)).length === 1; // how zod writes kinds without limits
    return alone && anyOf === undefined && oneOf === undefined ? (type as readonly Json[]).map((each) => ({ type: each })) : null;
  }
  if (anyOf !== undefined && oneOf !== undefined) return null;
  const options = anyOf ?? oneOf;
  return Array.isArray(options) ? nodes(options) : null;
}

/** The alternatives name themselves by a member with fixed values that no two share. */
function isTagged(options: readonly Node[]): boolean {
  const tags = options.map(tagOf);
  return tags.every((tag) => tag !== null) && new Set(tags).size === tags.length && new Set(tags.map((tag) => tag!.split("=")[0])).size === 1;
}

/** `kind="a"`: the first required member with one value. */
function tagOf(option: Node): string | null {
  const needed = new Set(texts(option.required));
  for (const [name, member] of Object.entries(membersOf(option)))
    if (needed.has(name) && member.const !== undefined) return `${name}=${JSON.stringify(member.const)}`;
  return null;
}

function follow(node: Node, root: Node): Node {
  let found = node;
  for (let hops = 0; typeof found.$ref === "string" && hops < 32; hops++) {
    const name = /^#\/\$defs\/(.+)$/.exec(found.$ref)?.[1];
    const next = name === undefined ? root : (root.$defs as Readonly<Record<string, Node>> | undefined)?.[name.replaceAll("~1", "/").replaceAll("~0", "~")];
    found = next ?? {};
  }
  return found;
}

function difference(rule: DifferenceRule, at: string, before: Json | undefined, after: Json | undefined, survives: Survival): Difference {
  return { rule, at, before: before ?? null, after: after ?? null, survives };
}

/** Without annotations. */
function bare(node: Node): Node {
  return Object.fromEntries(Object.entries(node).filter(([keyword]) => !annotations.has(keyword)));
}

const isAny = (node: Node): boolean => Object.keys(node).length === 0;
const isNever = (node: Node): boolean => equal(node, { not: {} });

function valuesOf(node: Node): readonly Json[] | null {
  if (node.const !== undefined) return [node.const];
  return Array.isArray(node.enum) ? (node.enum as readonly Json[]) : null;
}

/** A word for a schema: its type, or what it is made of. */
function kindOf(node: Node): string {
  if (typeof node.type === "string") return node.type;
  const [keyword] = Object.keys(bare(node));
  return keyword === undefined ? "any" : keyword === "not" ? "never" : keyword;
}

function membersOf({ properties }: Node): Readonly<Record<string, Node>> {
  return isNode(properties) ? (properties as Readonly<Record<string, Node>>) : {};
}

function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function nodes(value: Json | undefined): readonly Node[] {
  return Array.isArray(value) ? ((value as readonly Json[]).map((each) => canonical(each)) as unknown as readonly Node[]) : [];
}

function texts(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

function isNode(value: Json | undefined): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

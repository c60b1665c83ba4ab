/**
 * What differs between two JSON Schemas as zod writes them, and whether a payload that is valid under the first is valid under the second.
 *
 * "yes" is a promise. The answer is "unknown" when a comparison of the schemas cannot decide it. Rule ids are stable.
 */

import { canonical, equal } from "../canonical.ts";
import type { HiddenRule } from "../hidden-rules.ts";
import type { DescribedSchema, JsonSchema } from "../json-schema.ts";
import { below } from "../places.ts";
import { compareArrays } from "./compare-arrays.ts";
import { compareNumbers, compareTexts } from "./compare-limits.ts";
import { compareObjects } from "./compare-objects.ts";
import { compareOptions } from "./compare-options.ts";
import { compareValues } from "./compare-values.ts";
import { type Context, sameKind } from "./context.ts";
import { type Difference, difference } from "./difference.ts";
import { annotations, bare, isAny, isNever, kindOf, type Node, optionsOf, valuesOf } from "./node.ts";

/** The differences between two versions of the catalog, including rules that their JSON Schemas do not show. */
export function diffVersions(before: DescribedSchema, after: DescribedSchema): readonly Difference[] {
  const name = ({ what }: HiddenRule): string => what;
  // How zod counts a length is no difference where both versions count in the same way.
  const [was, is] = [before, after].map(({ hidden }) => new Set(hidden.filter(({ what }) => what.startsWith("lengths ")).map(({ at }) => at)));
  const isTold = ({ at, what }: HiddenRule): boolean => what.startsWith("in this order") || (what.startsWith("lengths ") && was!.has(at) && is!.has(at)); // a rule that changes a text is listed by itself
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

/** The differences between two JSON Schemas alone. */
export function diffSchemas(before: JsonSchema, after: JsonSchema): readonly Difference[] {
  const [from, to] = [canonical(before) as Node, canonical(after) as Node];
  return compare(from, to, "", { compare, before: from, after: to, pairs: new Set(), work: { left: maxPairs } });
}

const maxPairs = 5000;

/** Places within places: more than anyone writes, and far fewer than the stack holds. */
const maxNesting = 200;

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

export function compare(before: Node, after: Node, at: string, context: Context): readonly Difference[] {
  const { pairs, work } = context;
  if (work.left-- <= 0 || pairs.size > maxNesting) return [difference("keyword-changed", at, kindOf(before), kindOf(after), "unknown")];
  // Equal texts are equal schemas, wherever they stand. Only a schema with a reference can hold itself.
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

function follow(node: Node, root: Node): Node {
  let found = node;
  for (let hops = 0; typeof found.$ref === "string" && hops < 32; hops++) {
    const name = /^#\/\$defs\/(.+)$/.exec(found.$ref)?.[1];
    const next = name === undefined ? root : (root.$defs as Readonly<Record<string, Node>> | undefined)?.[name.replaceAll("~1", "/").replaceAll("~0", "~")];
    found = next ?? {};
  }
  return found;
}

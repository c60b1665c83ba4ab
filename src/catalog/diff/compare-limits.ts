import { below } from "../places.ts";
import { type Difference, difference } from "./difference.ts";
import type { Node } from "./node.ts";

export function compareTexts(from: Node, to: Node, at: string): readonly Difference[] {
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

export function compareNumbers(from: Node, to: Node, at: string): readonly Difference[] {
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

/** Compares one limit: a lower limit that rises is tightened. zod gives every integer the limits of a safe one, so these count as none. */
export function bound(keyword: string, from: Node, to: Node, at: string, side: "low" | "high"): Difference[] {
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

import { below } from "../places.ts";
import { bound } from "./compare-limits.ts";
import type { Context } from "./context.ts";
import { type Difference, difference } from "./difference.ts";
import { itemsOf, type Node, nodes } from "./node.ts";

export function compareArrays(from: Node, to: Node, at: string, context: Context): readonly Difference[] {
  const found = [...bound("minItems", from, to, at, "low"), ...bound("maxItems", from, to, at, "high")];
  const [first, second] = [nodes(from.prefixItems), nodes(to.prefixItems)];
  if (first.length !== second.length) return [...found, difference("tuple-changed", below(at, "prefixItems"), first.length, second.length, "unknown")];
  first.forEach((item, index) => void found.push(...context.compare(item, second[index]!, below(at, "prefixItems", index), context)));
  const [was, is] = [itemsOf(from), itemsOf(to)];
  return [...found, ...context.compare(was, is, below(at, "items"), context)];
}

import type { Json } from "../../event/event.ts";
import { equal } from "../canonical.ts";
import { below } from "../places.ts";
import { type Difference, difference, type Survival } from "./difference.ts";
import { kindOf, type Node } from "./node.ts";

export function compareValues(from: Node, to: Node, was: readonly Json[] | null, is: readonly Json[] | null, at: string): readonly Difference[] {
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

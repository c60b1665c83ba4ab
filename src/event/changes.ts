import type { Json } from "./event.ts";

/** One difference between two JSON values. `pointer`: RFC 6901, as a URI fragment: `#/lines/0/price`. */
export type Change =
  | { readonly op: "add"; readonly pointer: string; readonly after: Json }
  | { readonly op: "remove"; readonly pointer: string; readonly before: Json }
  | { readonly op: "replace"; readonly pointer: string; readonly before: Json; readonly after: Json };

/**
 * The differences that lead from `before` to `after`: first those of members that `before` has, in its order, then new members. Items of lists are compared
 * place by place. Pure.
 */
export function* changesBetween(before: Json, after: Json, pointer = "#"): Generator<Change, void> {
  if (Object.is(before, after)) return;
  if (!isOpen(before) || !isOpen(after) || Array.isArray(before) !== Array.isArray(after)) {
    yield { op: "replace", pointer, before, after };
    return;
  }
  const [left, right] = [before, after] as readonly Readonly<Record<string, Json>>[];
  for (const [key, value] of Object.entries(left!)) {
    const at = `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    if (Object.hasOwn(right!, key)) yield* changesBetween(value, right![key]!, at);
    else yield { op: "remove", pointer: at, before: value };
  }
  for (const [key, value] of Object.entries(right!))
    if (!Object.hasOwn(left!, key)) yield { op: "add", pointer: `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`, after: value };
}

function isOpen(value: Json): value is readonly Json[] | { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null;
}

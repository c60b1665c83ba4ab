import { equal } from "../canonical.ts";
import { below } from "../places.ts";
import type { Context } from "./context.ts";
import { type Difference, difference, survival } from "./difference.ts";
import { membersOf, type Node, othersOf, own, texts } from "./node.ts";

export function compareObjects(from: Node, to: Node, at: string, context: Context): readonly Difference[] {
  const [was, is] = [membersOf(from), membersOf(to)];
  const [needed, needs] = [new Set(texts(from.required)), new Set(texts(to.required))];
  const found: Difference[] = [];
  for (const name of new Set([...Object.keys(was), ...Object.keys(is), ...needed, ...needs])) {
    const place = below(at, "properties", name);
    const [before, after] = [own(was, name), own(is, name)];
    if (before !== undefined && after !== undefined) found.push(...context.compare(before, after, place, context));
    else if (after !== undefined) found.push(memberAdded(after, needs.has(name), from, place, context, needed.has(name)));
    else if (before !== undefined) found.push(...memberRemoved(before, to, place, context));
    if (after !== undefined && before === undefined) continue;
    if (needs.has(name) && !needed.has(name)) found.push(difference("required-added", below(at, "required"), null, name, "no"));
    if (needed.has(name) && !needs.has(name) && after !== undefined) found.push(difference("required-removed", below(at, "required"), name, null, "yes"));
  }
  return [...found, ...compareOthers(from, to, at, context), ...compareNames(from, to, at, context)];
}

/** When the first schema accepts members that it does not list, payloads may already have a member of this name, of any kind. */
function memberAdded(after: Node, required: boolean, from: Node, place: string, context: Context, wasRequired: boolean): Difference {
  const rule = required ? "property-added-required" : "property-added-optional";
  if (required && !wasRequired) return difference(rule, place, null, after, "no");
  const others = othersOf(from);
  if (others === false) return difference(rule, place, null, after, "yes");
  return difference(rule, place, null, after, survival(context.compare(others, after, place, context)) === "yes" ? "yes" : "unknown");
}

function memberRemoved(before: Node, to: Node, place: string, context: Context): readonly Difference[] {
  const others = othersOf(to);
  const survives = others === false ? "no" : survival(context.compare(before, others, place, context));
  return [difference("property-removed", place, before, null, survives)];
}

/** Compares how the two schemas treat members that they do not list. */
function compareOthers(from: Node, to: Node, at: string, context: Context): readonly Difference[] {
  const [was, is] = [othersOf(from), othersOf(to)];
  const place = below(at, "additionalProperties");
  if (was === false) return is === false ? [] : [difference("unlisted-members-allowed", place, false, is, "yes")];
  if (is === false) return [difference("unlisted-members-refused", place, from.additionalProperties, false, "no")];
  const [kept, keeps] = [from.additionalProperties !== undefined, to.additionalProperties !== undefined];
  if (kept && !keeps) return [difference("unlisted-members-dropped", place, from.additionalProperties, null, "yes")];
  const found = context.compare(was, is, place, context);
  return !kept && keeps ? [difference("unlisted-members-kept", place, null, to.additionalProperties, "yes"), ...found] : found;
}

function compareNames(from: Node, to: Node, at: string, context: Context): readonly Difference[] {
  const [was, is] = [from.propertyNames, to.propertyNames];
  const place = below(at, "propertyNames");
  if (equal(was, is)) return [];
  if (is === undefined) return [difference("keyword-changed", place, was, is, "yes")];
  const listed = Object.keys(membersOf(from)).length > 0;
  if (was === undefined || listed) return [difference("keyword-changed", place, was, is, "unknown")];
  return context.compare(was as Node, is as Node, place, context);
}

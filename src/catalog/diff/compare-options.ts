import { below } from "../places.ts";
import { type Context, sameKind } from "./context.ts";
import { type Difference, difference, survival } from "./difference.ts";
import { bare, kindOf, membersOf, type Node, optionsOf, texts } from "./node.ts";

/** Each old alternative has to fit one of the new ones. */
export function compareOptions(before: Node, after: Node, at: string, context: Context): readonly Difference[] {
  const [from, to] = [optionsOf(before) ?? [before], optionsOf(after) ?? [after]];
  const keyword = ["oneOf", "anyOf"].find((each) => after[each] !== undefined) ?? (Array.isArray(after.type) ? "type" : undefined);
  const place = keyword === undefined ? at : below(at, keyword);
  const found: Difference[] = [];
  // zod writes nothing beside alternatives. What another author writes there is not compared.
  const beside = optionsOf(after) === null ? [] : Object.keys(bare(after)).filter((each) => each !== keyword);
  for (const each of beside) found.push(difference("keyword-changed", below(at, each), before[each], after[each], "unknown"));
  if (after.oneOf !== undefined && !isTagged(to) && !sameKind(bare(before), bare(after), context))
    found.push(difference("alternatives-exclusive", place, null, null, "unknown"));
  const free = new Set(to.keys());
  const waiting: Node[] = [];
  for (const option of from) {
    const match = [...free, ...to.keys()].find((index) =>
      context.compare(option, to[index]!, place, context).every(({ rule }) => rule === "annotation-changed"),
    );
    if (match === undefined) waiting.push(option);
    else free.delete(match);
  }
  for (const option of waiting) {
    const open = [...free];
    const likely =
      open.find((index) => tagOf(option) !== null && tagOf(option) === tagOf(to[index]!)) ??
      open.find((index) => kindOf(option) === kindOf(to[index]!) && kindOf(option) !== "null");
    const fits = to.find((each) => survival(context.compare(option, each, place, context)) === "yes");
    if (likely !== undefined) {
      free.delete(likely);
      const inner = context.compare(option, to[likely]!, optionsOf(after) === null ? at : below(place, likely), context);
      // The option may fit another alternative as it is.
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

import type { Json } from "../../event/event.ts";
import type { CheckedType } from "../check-definitions.ts";
import { mayGiveOther, otherThanJson } from "../whole-json.ts";
import { callStep, StepFailure } from "./call-step.ts";
import { describeRefusal, parse } from "./parse.ts";
import { copiesWhatItParses, copyDeep } from "./private-copy.ts";
import { isDropped, isSplit, type Part } from "./step-result.ts";
import { clip } from "./thrown.ts";
import type { Raise, Refusal, Way } from "./way.ts";

/** Events that one event may become, over all its splits. */
export const maxParts = 100;

/** Splits within splits. */
const maxSplits = 8;

/** The steps of one type from a version on. */
export function stepsOf({ type, versions }: CheckedType, from: number) {
  return versions.slice(from).map((next, index) => ({
    to: from + 1 + index,
    name: `${type} v${from + index} → v${from + 1 + index}`,
    step: versions[from - 1 + index]!.step!,
    next: next.schema,
    copies: !copiesWhatItParses(versions[from - 1 + index]!.schema),
  }));
}

export function makeRaise(checked: CheckedType, from: number, raiseOf: (part: Part) => Raise | undefined): Raise {
  const { type, versions, into } = checked;
  const current = versions.length;
  const { schema } = versions[from - 1]!;
  const steps = stepsOf(checked, from);
  const looks = mayGiveOther(versions[current - 1]!.schema);

  const splitInto = (parts: readonly Part[], at: { readonly to: number; readonly name: string }, way: Way, splits: number): Refusal | null => {
    const refuse = (type: string, message: string): Refusal => ({ error: { type, message: clip(`${at.name}: ${message}`) }, from: at.to - 1, to: at.to });
    if (parts.length === 0) return refuse("SplitEmpty", "the step split the event into nothing; say drop(reason)");
    if (splits >= maxSplits) return refuse("SplitTooDeep", `splits lead to splits more than ${maxSplits} times`);
    way.seen?.({
      from: at.to - 1,
      to: at.to,
      type,
      data: null,
      error: null,
      split: parts.map((part) => ({ type: String(part.type), schemaVersion: Number(part.schemaVersion), data: shown(part.data) })),
    });
    for (const part of parts) {
      if (!into.includes(part.type))
        return refuse("SplitUndeclared", `the step gives ${JSON.stringify(part.type)}, which \`into\` of its defineUpcasters does not list`);
      const raise = raiseOf(part);
      if (raise === undefined) return refuse("SplitUnknown", `the step gives ${part.type} version ${part.schemaVersion}, which the catalog has not`);
      const before = way.pieces.length;
      const refusal = raise(part.data, way, splits + 1);
      if (refusal !== null) return { ...refusal, from: at.to - 1, to: at.to };
      if (way.pieces.length > maxParts) return refuse("SplitTooLarge", `the event becomes more than ${maxParts}`);
      if (way.pieces.length > before) way.dropped = null;
    }
    return null;
  };

  return (data, way, splits) => {
    let parsed = parse(schema, data);
    if (!parsed.success) return { error: describeRefusal(parsed, `${type} v${from}`), from, to: from };
    for (const [index, at] of steps.entries()) {
      const { to, name, step, next, copies } = at;
      const raised = callStep(step, copies ? copyDeep(parsed.data, index > 0 || splits > 0) : parsed.data, way.stored, name);
      if (raised instanceof StepFailure) return { error: raised.error, from: to - 1, to };
      if (isDropped(raised)) {
        const reason = String(raised.reason);
        way.seen?.({ from: to - 1, to, type, data: null, error: null, dropped: reason });
        if (way.pieces.length === 0) way.dropped ??= clip(reason);
        return null;
      }
      if (isSplit(raised)) return splitInto(raised.parts, at, way, splits);
      parsed = parse(next, raised);
      if (!parsed.success) return { error: describeRefusal(parsed, name), from: to - 1, to };
      way.seen?.({ from: to - 1, to, type, data: shown(parsed.data), error: null });
    }
    const other = looks ? otherThanJson(parsed.data) : null;
    if (other !== null) {
      const last = steps.at(-1);
      return {
        error: { type: "NotJson", message: clip(`${last?.name ?? `${type} v${from}`}: ${other}`) },
        from: last === undefined ? from : current - 1,
        to: current,
      };
    }
    way.pieces.push({ type, schemaVersion: current, data: parsed.data });
    return null;
  };
}

/** A copy, because the next step may change its own; null while the data is not JSON yet. */
export function shown(data: unknown): Json {
  return otherThanJson(data) === null ? (copyDeep(data, true) as Json) : null;
}

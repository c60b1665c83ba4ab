/** From a stored payload to what it is today: parse, step, parse, step … through one type's versions, and through those of the parts of a split. */
import type { z } from "zod";
import { type CurrentEvent, type GivenEvent, type Json, positionText, type StoredEvent } from "../../event/event.ts";
import { freezeDeep } from "../../event/freeze-deep.ts";
import { partId } from "../../event/ids.ts";
import { messageOf, typeOf } from "../../event/thrown.ts";
import { withoutValues } from "../../event/without-payload.ts";
import type { FailureText, Lifted, LiftStep } from "../catalog.ts";
import type { CheckedType } from "../check-definitions.ts";
import type { UpcasterChain } from "../define.ts";
import { isTooMuch, maxPlaces, placesOf, tooMuch } from "../places.ts";
import { mayGiveOther, otherThanJson } from "../whole-json.ts";
import { copiesWhatItParses, copyDeep } from "./private-copy.ts";
import { isDropped, isSplit, type Part } from "./step-result.ts";
import { makeStraightLift, notStraight } from "./straight-lift.ts";

/** @param seen is told of each step; for showing only. */
export type Lift = (stored: StoredEvent | GivenEvent, seen?: (step: LiftStep) => void) => Lifted;

/** Events that one may become, over all its splits, and splits within splits. */
export const maxParts = 100;
const maxSplits = 8;

interface Piece {
  readonly type: string;
  readonly schemaVersion: number;
  readonly data: unknown;
}

interface Refusal {
  readonly error: FailureText;
  readonly from: number;
  readonly to: number;
}

/** One payload's way: what has come of it so far. */
interface Way {
  readonly stored: StoredEvent | GivenEvent;
  readonly seen: ((step: LiftStep) => void) | undefined;
  readonly pieces: Piece[];
  dropped: string | null;
}

/** Lifts `data` to the end of one chain. Puts what it became into `way.pieces`; answers what went wrong, or null. */
type Raise = (data: unknown, way: Way, splits: number) => Refusal | null;

/**
 * Makes the lifts of all types once, one for each version: an event that is current already costs one safeParse.
 *
 * @returns by type: lifts[n] takes an event stored as version n.
 */
export function makeLifts(types: readonly CheckedType[]): ReadonlyMap<string, readonly (Lift | undefined)[]> {
  const raises = new Map<string, readonly Raise[]>();
  const raiseOf = ({ type, schemaVersion }: Part): Raise | undefined => raises.get(type)?.[schemaVersion - 1];
  for (const checked of types)
    raises.set(
      checked.type,
      checked.versions.map((_, index) => makeRaise(checked, index + 1, raiseOf)),
    );
  return new Map(
    types.map((checked) => [checked.type, [undefined, ...checked.versions.map((_, index) => makeLift(checked, index + 1, raises.get(checked.type)![index]!))]]),
  );
}

function makeLift(checked: CheckedType, from: number, raise: Raise): Lift {
  const { type, versions, into } = checked;
  const current = versions.length;
  const { schema } = versions[from - 1]!;
  const steps = stepsOf(checked, from);
  const hasSteps = steps.length > 0;
  const maySplit = into.length > 0;
  // A type that splits would nearly always go its way twice.
  const straight = maySplit && hasSteps ? null : makeStraightLift(schema, steps);
  // Not a step that takes the data alone, and the parts of a split go through steps of others. What is current meets no step.
  const looksAtEvent = hasSteps && (maySplit || versions.some(({ step }) => step !== undefined && !takesDataAlone(step)));

  const looks = mayGiveOther(versions[current - 1]!.schema);

  return (event, seen) => {
    const stored = looksAtEvent ? given(event) : event; // a copy: the log has its own
    // With one `try` for all of it: one around each schema and step costs a tenth.
    if (seen === undefined && straight !== null)
      try {
        const data = straight(stored);
        if (data !== notStraight && (!looks || otherThanJson(data) === null)) return { ok: true, parts: [whole(stored, type, current, data)], dropped: null };
      } catch {
        // told below
      }
    // Anything else goes the whole way again: steps are pure.
    const way: Way = { stored, seen, pieces: [], dropped: null };
    const refusal = raiseSafely(raise, way, { type, from, current });
    if (refusal !== null) return refused(refusal, type, seen);
    const { pieces, dropped } = way;
    if (pieces.length === 0) return { ok: true, parts: [], dropped: dropped ?? "dropped" };
    const isWhole = pieces.length === 1 && pieces[0]!.type === type;
    return {
      ok: true,
      parts: isWhole ? [wholeOf(stored, pieces[0]!)] : pieces.map((piece, index) => partOf(stored, piece, index, pieces.length)),
      dropped: null,
    };
  };
}

/** The event as a step or a migration sees it. */
export function given(event: StoredEvent | GivenEvent): GivenEvent {
  // What is downcast before it is stored has no position yet.
  return freezeDeep(event.position === undefined ? { ...(event as GivenEvent) } : { ...event, position: positionText(event.position) });
}

/** A step may give what throws as soon as anyone looks at it. */
function raiseSafely(
  raise: Raise,
  way: Way,
  { type, from, current }: { readonly type: string; readonly from: number; readonly current: number },
): Refusal | null {
  try {
    return raise(way.stored.data, way, 0);
  } catch (error) {
    const failure = describeThrown(error, way.stored.data);
    return { error: { ...failure, message: clip(`${type} v${from} → v${current}: what a step gave cannot be read: ${failure.message}`) }, from, to: current };
  }
}

function refused({ error, from, to }: Refusal, type: string, seen: Way["seen"]): Lifted {
  seen?.({ from, to, type, data: null, error });
  return { ok: false, reason: "schema", error, from, to };
}

function wholeOf(stored: StoredEvent | GivenEvent, { type, schemaVersion, data }: Piece): CurrentEvent {
  return whole(stored, type, schemaVersion, data);
}

function whole(stored: StoredEvent | GivenEvent, type: string, schemaVersion: number, data: unknown): CurrentEvent {
  return {
    id: stored.id,
    type,
    schemaVersion,
    entity: stored.entity,
    tenant: stored.tenant,
    source: stored.source,
    occurredAt: stored.occurredAt,
    recordedAt: stored.recordedAt,
    data,
    metadata: stored.metadata,
    revision: stored.revision,
    position: positionText(stored.position),
    origin: null,
  };
}

function partOf(stored: StoredEvent | GivenEvent, piece: Piece, part: number, of: number): CurrentEvent {
  return { ...wholeOf(stored, piece), id: partId(stored.id, part), origin: { id: stored.id, part, of } };
}

/** The steps of one type from a version on. */
function stepsOf({ type, versions }: CheckedType, from: number) {
  return versions.slice(from).map((next, index) => ({
    to: from + 1 + index,
    name: `${type} v${from + index} → v${from + 1 + index}`,
    step: versions[from - 1 + index]!.step!,
    next: next.schema,
    copies: !copiesWhatItParses(versions[from - 1 + index]!.schema),
  }));
}

/** `(data) => …` with no second parameter in sight: not one with a default, which `length` leaves out, no rest, no `arguments`. */
function takesDataAlone(step: UpcasterChain["steps"][number]): boolean {
  return step.length === 1 && /^\(?\s*(?:[\w$]+|\{[\w$\s,:.]*\})\s*\)?\s*=>/.test(String(step));
}

function makeRaise(checked: CheckedType, from: number, raiseOf: (part: Part) => Raise | undefined): Raise {
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

/** A copy, since the next step may write to its own; null where it is no JSON yet. */
function shown(data: unknown): Json {
  return otherThanJson(data) === null ? (copyDeep(data, true) as Json) : null;
}

export type Parsed =
  | { readonly success: true; readonly data: unknown }
  | { readonly success: false; readonly error: z.ZodError }
  | { readonly success: false; readonly thrown: FailureText };
export type Refused = Exclude<Parsed, { readonly success: true }>;

export function parse(schema: z.ZodType, data: unknown): Parsed {
  try {
    // Its own answer, not copied: three objects less for each step. zod's inner `_zod.run` would make lifting another 6 % cheaper, and is nothing zod promises.
    return schema.safeParse(data);
  } catch (error) {
    // A refinement of the user's that throws, or one that is asynchronous ($ZodAsyncError).
    if (isTooMuch(error)) return { success: false, thrown: { type: "SchemaInvalid", message: `The data ${tooMuch}` } };
    const { type, message } = describeThrown(error, data);
    return { success: false, thrown: { type, message: `The schema itself failed with ${type}: ${message}` } };
  }
}

/** What a user's pure function failed with. */
export class StepFailure {
  readonly error: FailureText;

  constructor(error: FailureText) {
    this.error = error;
  }
}

/** Calls a user's pure function. @param name of the step, for the failure's words. @returns what it returned, or StepFailure. */
export function callStep(step: UpcasterChain["steps"][number], data: unknown, event: StoredEvent | GivenEvent, name: string): unknown {
  try {
    const result = step(data as never, event as GivenEvent);
    if (!(result instanceof Promise)) return result;
    result.catch(() => {}); // its outcome is of no use, but must not end the process
    return new StepFailure({ type: "UpcasterAsync", message: `${name}: the step returned a promise. Steps are pure and synchronous.` });
  } catch (error) {
    const { type, message } = describeThrown(error, data, event.data);
    return new StepFailure({ type, message: clip(`${name}: ${message}`) });
  }
}

export function describeRefusal(parsed: Refused, where: string): FailureText {
  if ("thrown" in parsed) return { type: parsed.thrown.type, message: clip(`${where}: ${parsed.thrown.message}`) };
  const places = placesOf(parsed.error, "");
  const shown = places.slice(0, 3).map(({ pointer, detail }) => `${pointer === "" ? "data" : pointer}: ${detail}`);
  const more = places.length - shown.length;
  const others = places.length === maxPlaces ? "; and many more" : more > 0 ? `; and ${more} more` : "";
  return { type: "SchemaInvalid", message: clip(`${where}: ${shown.join("; ")}${others}`) };
}

/** What was thrown may be anything; only an Error's own words are kept, never a value: none of the data, either. */
export function describeThrown(error: unknown, ...data: readonly unknown[]): FailureText {
  const isObject = (typeof error === "object" && error !== null) || typeof error === "function";
  if (!isObject) return { type: "Error", message: `threw a value of type ${error === null ? "null" : typeof error}, not an Error` };
  const type = typeOf(error);
  return {
    type: withoutValues(type, ...data) === type ? type.slice(0, maxTypeLength) : "Error",
    message: messageOf(error, (message) => withoutValues(message, ...data)),
  };
}

const maxTypeLength = 200;

function clip(message: string): string {
  return message.length <= 500 ? message : `${message.slice(0, 499)}…`;
}

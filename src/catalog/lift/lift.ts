/** Lifts a stored payload to its current version: parse, step, parse, step … through the versions of its type, and through those of the parts of a split. */
import { type CurrentEvent, type GivenEvent, positionText, type StoredEvent } from "../../event/event.ts";
import { partId } from "../../event/ids.ts";
import type { Lifted, LiftStep } from "../catalog.ts";
import type { CheckedType } from "../check-definitions.ts";
import type { UpcasterChain } from "../define.ts";
import { given } from "./given.ts";
import { makeRaise, stepsOf } from "./raise.ts";
import type { Part } from "./step-result.ts";
import { makeStraightLift, notStraight } from "./straight-lift.ts";
import { clip, describeThrown } from "./thrown.ts";
import type { Piece, Raise, Refusal, Way } from "./way.ts";

/** @param seen gets each step; it is used only to show the steps. */
export type Lift = (stored: StoredEvent | GivenEvent, seen?: (step: LiftStep) => void) => Lifted;

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
  // A type that splits gets no straight lift: it would nearly always fail there, and the event would be lifted twice.
  const straight = maySplit && hasSteps ? null : makeStraightLift(schema, steps);
  // Only a step that reads more than the data needs a copy of the event. The parts of a split go through the steps of other types. A current event has no steps.
  const looksAtEvent = hasSteps && (maySplit || versions.some(({ step }) => step !== undefined && !takesDataAlone(step)));

  return (event, seen) => {
    const stored = looksAtEvent ? given(event) : event; // a copy, because the log keeps its own
    // One `try` around everything: one for each schema and step would cost a tenth.
    if (seen === undefined && straight !== null)
      try {
        const data = straight(stored);
        if (data !== notStraight) return { ok: true, parts: [whole(stored, type, current, data)], dropped: null };
      } catch {
        // the slow way below says what is wrong
      }
    // Everything else is lifted again, step by step. That is safe because steps are pure.
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

/** A step may return an object that throws as soon as anyone reads it. */
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

/** Whether the step is written as `(data) => …`, without a second parameter: none with a default (which `length` leaves out), no rest, no `arguments`. */
function takesDataAlone(step: UpcasterChain["steps"][number]): boolean {
  return step.length === 1 && /^\(?\s*(?:[\w$]+|\{[\w$\s,:.]*\})\s*\)?\s*=>/.test(String(step));
}

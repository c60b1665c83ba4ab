/** The catalog of a config, as the lock compares itself with it: asked about single payloads. */
import type { Json, StoredEvent } from "../../event/event.ts";
import { freezeDeep } from "../../event/freeze-deep.ts";
import { canonical } from "../canonical.ts";
import type { Catalog, LiftStep } from "../catalog.ts";
import { type CheckedType, checkDefinitions } from "../check-definitions.ts";
import type { EventDefinition, UpcasterChain } from "../define.ts";
import { callStep, StepFailure } from "../lift/call-step.ts";
import { makeCatalog } from "../make-catalog.ts";
import { placesOf } from "../places.ts";
import type { Outcome } from "./lock.ts";

export interface LockSubject {
  readonly catalog: Catalog;
  readonly types: readonly CheckedType[];
}

/** A payload that was really sent, and that someone kept as a file. */
export interface RealSample {
  readonly type: string;
  readonly version: number;
  /** `real/<file name without .json>`. */
  readonly name: string;
  readonly data: Json;
}

/** @throws what `makeCatalog` throws. */
export function makeSubject(definitions: { readonly events: readonly EventDefinition[]; readonly upcasters?: readonly UpcasterChain[] }): LockSubject {
  const { events, upcasters = [] } = definitions;
  return { catalog: makeCatalog({ events, upcasters }), types: checkDefinitions(events, upcasters) };
}

export type Reading = { readonly ok: true; readonly data: Json } | { readonly ok: false; readonly why: string };

/** The output of a version's schema for a payload. */
export function readAs({ versions }: CheckedType, version: number, data: Json): Reading {
  try {
    const parsed = versions[version - 1]!.schema.safeParse(data);
    if (parsed.success) return { ok: true, data: canonical(parsed.data) };
    const [place] = placesOf(parsed.error, "");
    return { ok: false, why: `${place?.pointer === "" ? "data" : place?.pointer}: ${place?.detail}` };
  } catch (error) {
    return { ok: false, why: `the schema itself failed with ${error instanceof Error ? error.name : "a value that is no Error"}` };
  }
}

/** Version → the payload after the step to that version, for a payload that its own version accepts. Ends with a step that fails, drops or splits. */
export function liftSample({ catalog }: LockSubject, { type }: CheckedType, version: number, name: string, data: Json): Readonly<Record<string, Outcome>> {
  const becomes: Record<string, Outcome> = {};
  const steps = catalog.steps(asStored(type, version, name, data)).filter(({ from, to }) => from < to);
  for (const step of steps) {
    const outcome = outcomeOf(step);
    becomes[step.to] = outcome;
    if ("data" in outcome) continue;
    // A part of a split that cannot be lifted fails the step that made it.
    const last = steps.at(-1)!;
    if (last !== step && last.error !== null && last.type === step.type && last.to === step.to) becomes[step.to] = outcomeOf(last);
    break;
  }
  return becomes;
}

/** The data that a downcast stores for a payload of the current version. */
export function downcastSample(type: CheckedType, name: string, data: Json): Outcome {
  const { versions, downcast } = type;
  const reading = readAs(type, versions.length, data);
  if (!reading.ok || downcast === null) return { error: "SchemaInvalid" };
  const older = callStep(downcast.data, freezeDeep(structuredClone(reading.data)), asStored(type.type, versions.length, name, data), "downcast");
  return older instanceof StepFailure ? { error: older.error.type } : { data: canonical(older) };
}

function outcomeOf({ error, dropped, split, data }: LiftStep): Outcome {
  if (error !== null) return { error: error.type };
  if (dropped !== undefined) return { dropped };
  if (split !== undefined) return { split: split.map((part) => ({ type: part.type, schema_version: part.schemaVersion, data: canonical(part.data) })) };
  return { data: canonical(data) };
}

const bareNames = new Set(["minimal", "smallest"]);

/** The event around a sample. Part of the lock's format: steps may look at it. Some samples come with all metadata, some with none. */
export function asStored(type: string, schemaVersion: number, name: string, data: Json): StoredEvent {
  const bare = bareNames.has(name);
  return {
    id: "00000000-0000-4000-8000-000000000000",
    type,
    schemaVersion,
    source: bare ? null : "sample-agent",
    occurredAt: bare ? null : "2026-01-02T03:04:05.000Z",
    data: structuredClone(data),
    metadata: bare
      ? { priority: "normal" }
      : {
          priority: "high",
          correlationId: "sample-correlation",
          causationId: "sample-causation",
          callChain: ["sample-planner", "sample-agent"],
          contextRefs: [{ kind: "sample", ref: "sample-1" }],
        },
    stream: "default.sample-1",
    tenant: "default",
    entity: { type: "sample", id: "1" },
    revision: 0,
    position: 1n,
    recordedAt: "2026-01-02T03:04:06.789Z",
  };
}

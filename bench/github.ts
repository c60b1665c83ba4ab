import type { z } from "zod";
import { events, upcasters, versionedTypes } from "../examples/github-triage/catalog.ts";
import { deliveries } from "../examples/github-triage/deliveries.ts";
import { makeCatalog } from "../src/catalog/make-catalog.ts";
import type { NewEvent } from "../src/event/event.ts";
import { newId } from "../src/event/ids.ts";
import { http } from "./http.ts";
import { append } from "./log.ts";
import type { Benchmark } from "./measure.ts";
import { openEmbedded, ordered } from "./ordered.ts";
import { asStored, upcast } from "./upcast.ts";

/**
 * The rows of the same names without `-github`, with webhooks that GitHub sent in place of orders: 168 recordings of the six types that have versions,
 * 15 KB on average, with the schemas and upcasters of examples/github-triage. A batch is 25, since a hundred are more than one append takes.
 *
 * `upcast-1-github` lifts the 58 recordings that are one step from current; `replay-ordered-github` takes all as they come, of none to two steps.
 */
export const githubBenchmarks: readonly Benchmark[] = [
  append("append-64-github", { writers: 64, appends: 20, batch: 1, target: 0.8, sample }),
  append("append-batch-github", { writers: 1, appends: 40, batch: 25, target: 0.85, sample }),
  http("http-append-1-github", { requests: 4000, batch: 1, body: wireEvent, target: 0.5 }),
  upcast("upcast-1-github", makeCatalog({ events, upcasters }), (data, { type, schemaVersion }) => liftByHand(data, type, schemaVersion), {
    events: 5000,
    stored: () => recorded().filter(isOneStepBehind).map(asNew).map(asStored),
  }),
  ordered("replay-ordered-github", {
    ...{ events: 20_000, lanes: 2000, target: 0.7, open: openEmbedded },
    material: { events: versionedTypes, upcasters, sample, lift: liftByHand },
  }),
];

type Recorded = ReturnType<typeof deliveries>[number];

/** All versions of a type with its steps, by type. */
const chains = new Map(upcasters.map((chain) => [chain.event.type, chain]));
const currentVersions = new Map(upcasters.map(({ event }) => [event.type, Object.keys(event.schemas).length]));

let read: readonly Recorded[] | null = null;
/** Read when a row needs them, and only once. */
function recorded(): readonly Recorded[] {
  read ??= deliveries().filter(({ type }) => chains.has(type));
  return read;
}

function recordedAs(number: number): Recorded {
  return recorded()[number % recorded().length]!;
}

function isOneStepBehind({ type, schemaVersion = 1 }: Recorded): boolean {
  return currentVersions.get(type) === schemaVersion + 1;
}

function sample(number: number): NewEvent {
  return asNew(recordedAs(number));
}

function asNew({ type, schemaVersion = 1, source, data }: Recorded): NewEvent {
  return { id: newId(), type, schemaVersion, source: source ?? null, occurredAt: null, data, metadata: { priority: "normal" } };
}

function wireEvent(number: number) {
  const { type, schemaVersion, entity, source, data } = recordedAs(number);
  return { type, schema_version: schemaVersion, entity, source, data };
}

/** With zod and the steps alone. */
function liftByHand(data: unknown, type: string, schemaVersion: number): unknown {
  const { event, steps } = chains.get(type)!;
  let lifted = (event.schemas[schemaVersion] as z.ZodType).parse(data);
  for (let version = schemaVersion; version < currentVersions.get(type)!; version++) {
    // The steps of GitHub's events look at their data only.
    const step = steps[version] as (data: unknown) => unknown;
    lifted = (event.schemas[version + 1] as z.ZodType).parse(step(lifted));
  }
  return lifted;
}

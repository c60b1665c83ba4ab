/** Makes the lock's entry of a version. */
import type { Json } from "../../event/event.ts";
import { canonical, equal, fingerprint } from "../canonical.ts";
import type { CheckedType, CheckedVersion } from "../check-definitions.ts";
import { codeFingerprint } from "../code-text.ts";
import { type Change, changed, changesOf, groupEdges, listEdges } from "./edges.ts";
import type { LockedDowncast, LockedEdges, LockedSample, LockedVersion } from "./lock.ts";
import { payloadsOf } from "./payloads.ts";
import { sameWords } from "./same-words.ts";
import type { Shape } from "./shape.ts";
import { downcastSample, type LockSubject, liftSample, type RealSample, readAs } from "./subject.ts";

/** The schema as the lock keeps it: in the one wording for equal schemas, without the dialect and without texts for people. */
export function lockedSchema({ plain }: CheckedVersion): Readonly<Record<string, Json>> {
  return sameWords(plain as Readonly<Record<string, Json>>);
}

/** @returns null when the schema refuses the sample, which is then left out. */
export function recordSample(subject: LockSubject, type: CheckedType, version: number, name: string, data: Json): LockedSample | null {
  const reading = readAs(type, version, data);
  if (!reading.ok) return null;
  return {
    data: canonical(data),
    ...(equal(reading.data, data) ? {} : { reads: reading.data }),
    becomes: liftSample(subject, type, version, name, data),
  };
}

/** @param former the entry whose samples and edges stay; null makes new ones. */
export function recordVersion(
  subject: LockSubject,
  type: CheckedType,
  version: number,
  real: readonly RealSample[],
  former: LockedVersion | null,
): LockedVersion {
  const checked = type.versions[version - 1]!;
  const schema = lockedSchema(checked);
  const made = former === null ? [...payloadsOf(schema as Shape)] : Object.entries(former.samples).map(([name, { data }]) => [name, data] as const);
  const all = [...made.filter(([name]) => !name.startsWith("real/")), ...real.map(({ name, data }) => [name, data] as const)];
  const samples = all.flatMap(([name, data]) => {
    const sample = recordSample(subject, type, version, name, data);
    return sample === null ? [] : [[name, sample] as const];
  });
  return {
    fingerprint: fingerprint(schema),
    zod: checked.zod,
    schema,
    hidden: checked.hidden,
    step: codeFingerprint(checked.step),
    samples: Object.fromEntries(samples),
    edges: judgeAnew(type, version, former === null || former.zod === null ? makeEdges(schema as Shape, samples) : former.edges, samples),
  };
}

/** @param samples of the current version. */
export function recordDowncast(type: CheckedType, samples: LockedVersion["samples"]): LockedDowncast | null {
  const { downcast, versions } = type;
  if (downcast === null) return null;
  const from = versions.length;
  return {
    from,
    version: downcast.version,
    type: downcast.type ?? null,
    code: codeFingerprint(downcast.data),
    stores: Object.fromEntries(Object.entries(samples).map(([name, { data }]) => [name, downcastSample(type, name, data)])),
  };
}

/** Changes of the first sample. A change that changes nothing, or that comes twice, is left out. The caller adds the verdicts. */
function makeEdges(shape: Shape, samples: readonly (readonly [string, LockedSample])[]): LockedEdges | null {
  const first = samples.find(([name]) => !name.startsWith("real/"));
  if (first === undefined) return null;
  const [of, { data }] = first;
  const seen = new Set([JSON.stringify(canonical(data))]);
  const changes = changesOf(shape, data).filter((change) => {
    const text = JSON.stringify(canonical(changed(data, change)?.data ?? data));
    return !seen.has(text) && seen.add(text);
  });
  return groupEdges(
    of,
    changes.map((change) => [change, true]),
  );
}

function judgeAnew(type: CheckedType, version: number, edges: LockedEdges | null, samples: readonly (readonly [string, LockedSample])[]): LockedEdges | null {
  const sample = samples.find(([name]) => name === edges?.of)?.[1];
  if (edges === null || sample === undefined) return null;
  return groupEdges(
    edges.of,
    listEdges(edges).flatMap(([change]) => {
      const accepted = judgeEdge(type, version, sample.data, change);
      return accepted === null ? [] : [[change, accepted] as const];
    }),
  );
}

/** Whether the schema takes the changed sample; null when the sample has no such place. */
export function judgeEdge(type: CheckedType, version: number, sample: Json, change: Change): boolean | null {
  const payload = changed(sample, change);
  return payload === null ? null : readAs(type, version, payload.data).ok;
}

/** Updates a lock from a catalog: adds what is new, and rewrites the entries that were asked for. */
import { checkLock } from "./check-lock.ts";
import { type Finding, isAddition } from "./finding.ts";
import type { Lock, LockedType, LockedVersion } from "./lock.ts";
import { checkPurity } from "./purity.ts";
import { recordDowncast, recordVersion } from "./record.ts";
import { samplesFolder } from "./remedies.ts";
import type { LockSubject, RealSample } from "./subject.ts";

/** Entries that may be written anew: a type, or one version of it with the step away from it. */
export interface Rewrite {
  readonly type: string;
  readonly version: number | null;
}

export type Locking =
  /** `notes`: samples that a step refuses, and versions without any sample. The lock records them as they are. */
  | { readonly ok: true; readonly lock: Lock; readonly written: readonly Finding[]; readonly notes: readonly string[] }
  /** Findings that need a rewrite or a correction first, so nothing is written. */
  | { readonly ok: false; readonly refused: readonly Finding[] };

/** The findings of `schema check`: it compares the lock with the catalog, and tests whether schemas and steps depend on the data alone. */
export function checkAll(lock: Lock | null, subject: LockSubject, real: readonly RealSample[]): readonly Finding[] {
  const impure = checkPurity(subject, real);
  const moves = new Set(impure.map(({ type, version }) => `${type} ${version}`));
  // The results of an impure version or step differ from run to run, so only its impurity is reported, once.
  const found = lock === null ? [] : checkLock(lock, subject, real);
  return [...found.filter(({ rule, type, version }) => !(moves.has(`${type} ${version}`) && followsFromMoving.has(rule))), ...impure];
}

const followsFromMoving = new Set(["published-version-changed", "step-result-changed", "step-not-pure", "check-edited", "zod-reworded"]);

export function nextLock(lock: Lock, subject: LockSubject, real: readonly RealSample[], rewrites: readonly Rewrite[]): Locking {
  const findings = checkAll(lock, subject, real);
  const rewritten = (finding: Finding): boolean =>
    finding.rule !== "sample-refused" &&
    finding.rule !== "step-not-pure" &&
    finding.rule !== "schema-not-pure" &&
    rewrites.some(({ type, version }) => type === finding.type && (version === null || version === finding.version));
  const refused = findings.filter((finding) => !isAddition(finding) && !rewritten(finding));
  if (refused.length > 0) return { ok: false, refused };

  const types: Record<string, LockedType> = {};
  const notes: string[] = [];
  for (const type of subject.types) {
    const names = [type.type, ...type.formerly];
    const before = names.map((name) => lock.types[name]).find((entry) => entry !== undefined);
    const versions: Record<string, LockedVersion> = {};
    for (const index of type.versions.keys()) {
      const version = index + 1;
      const anew = rewrites.some((rewrite) => names.includes(rewrite.type) && (rewrite.version === null || rewrite.version === version));
      const ours = real.filter((sample) => sample.type === type.type && sample.version === version);
      const entry = recordVersion(subject, type, version, ours, anew ? null : (before?.versions[version] ?? null));
      versions[version] = entry;
      notes.push(...notesOf(type.type, version, entry));
    }
    types[type.type] = { downcast: recordDowncast(type, versions[type.versions.length]!.samples), formerly: [...type.formerly].sort(), versions };
  }
  return { ok: true, lock: { format: 2, types }, written: findings, notes };
}

function notesOf(type: string, version: number, { samples }: LockedVersion): readonly string[] {
  const notes = Object.entries(samples).flatMap(([name, { becomes }]) =>
    Object.entries(becomes).flatMap(([to, outcome]) =>
      "error" in outcome ? [`${type}: the step ${Number(to) - 1} → ${to} fails for the sample ${name} of version ${version} with ${outcome.error}.`] : [],
    ),
  );
  if (Object.keys(samples).length === 0)
    notes.push(`${type} version ${version}: no sample could be made that its checks accept. Put a real payload into ${samplesFolder(type, version)}.`);
  return notes;
}

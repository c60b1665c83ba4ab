import { fingerprint } from "../canonical.ts";
import type { CheckedType } from "../check-definitions.ts";
import { codeFingerprint } from "../code-text.ts";
import { bounded } from "./bounded.ts";
import { checkDowncast } from "./check-downcast.ts";
import { checkRealFiles } from "./check-samples.ts";
import { checkVersion } from "./check-version.ts";
import { compareSteps } from "./compare-steps.ts";
import type { Finding } from "./finding.ts";
import * as found from "./findings.ts";
import type { LockedType } from "./lock.ts";
import { type LockSubject, liftSample, type RealSample } from "./subject.ts";

export function checkType(
  name: string,
  locked: LockedType,
  type: CheckedType,
  subject: LockSubject,
  real: readonly RealSample[],
  tell: (line: string) => void,
): readonly Finding[] {
  const findings: Finding[] = [];
  /** Versions that have changed. The consequences of such a change are not reported again. */
  const broken = new Set<number>();
  /** Step → samples that become something else. */
  const results = new Map<number, string[]>();
  const impure = new Map<number, string[]>();
  const stepsSeen = new Set<number>();

  for (const [key, entry] of Object.entries(locked.versions)) {
    const version = Number(key);
    if (type.versions[version - 1] === undefined) {
      findings.push(found.versionDisappeared(name, version));
      broken.add(version);
      continue;
    }
    if (fingerprint(entry.schema) !== entry.fingerprint) findings.push(found.lockEdited(name, version));
    const { changes, reworded, edited } = checkVersion(entry, type, version);
    if (entry.zod === null) tell(`what an older Reprise did not record of version ${version}`);
    if (reworded.length > 0) findings.push(found.zodReworded(type.type, version, entry.zod ?? "", type.versions[version - 1]!.zod, bounded(reworded)));
    if (changes.length > 0) {
      broken.add(version);
      findings.push(found.publishedVersionChanged(type.type, version, type.versions.length, bounded(changes)));
    } else if (edited.length > 0) findings.push(found.checkEdited(type.type, version, edited));
    findings.push(...checkRealFiles(entry, type, version, real));
  }

  for (const [key, entry] of Object.entries(locked.versions)) {
    const version = Number(key);
    if (broken.has(version)) continue;
    for (const [sampleName, sample] of Object.entries(entry.samples)) {
      const now = liftSample(subject, type, version, sampleName, sample.data);
      const again = liftSample(subject, type, version, sampleName, sample.data);
      compareSteps(version, sampleName, sample, now, again, { broken, results, impure, stepsSeen });
    }
  }
  for (const [from, details] of impure) findings.push(found.stepNotPure(type.type, from, bounded(details)));
  for (const [from, details] of results) if (!impure.has(from)) findings.push(found.stepResultChanged(type.type, from, bounded(details)));
  for (const [index, { step }] of type.versions.entries()) {
    const from = index + 1;
    const entry = locked.versions[from];
    if (entry === undefined || step === undefined) continue;
    if (entry.step === null) tell(`step ${from} → ${from + 1}`);
    else if (entry.zod !== null && entry.step !== codeFingerprint(step) && !results.has(from) && !impure.has(from))
      findings.push(found.stepEdited(type.type, from));
  }
  findings.push(...checkDowncast(locked, type, tell));
  for (const from of stepsSeen) if (locked.versions[from]?.step !== null) tell(`what older samples become by the step ${from} → ${from + 1}`);
  return findings;
}

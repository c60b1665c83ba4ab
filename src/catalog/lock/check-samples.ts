import { differences, equal } from "../canonical.ts";
import type { CheckedType } from "../check-definitions.ts";
import type { Finding } from "./finding.ts";
import * as found from "./findings.ts";
import type { Lock, LockedVersion } from "./lock.ts";
import { type LockSubject, liftSample, type RealSample, readAs } from "./subject.ts";

export function checkRealFiles(entry: LockedVersion, type: CheckedType, version: number, real: readonly RealSample[]): readonly Finding[] {
  const files = new Map(real.filter((sample) => sample.type === type.type && sample.version === version).map(({ name, data }) => [name, data]));
  return Object.entries(entry.samples).flatMap(([name, { data }]) => {
    if (!name.startsWith("real/")) return [];
    const file = files.get(name);
    if (file === undefined) return [found.sampleDisappeared(type.type, version, name)];
    return equal(file, data) ? [] : [found.sampleChanged(type.type, version, name, differences(data, file))];
  });
}

/** Every real sample has to be readable by all steps, whether it is locked or not. Samples that are not locked yet are reported as new. */
export function checkNewReal(type: CheckedType, subject: LockSubject, real: readonly RealSample[], lock: Lock): readonly Finding[] {
  const findings: Finding[] = [];
  const fresh: string[] = [];
  const entries = [type.type, ...type.formerly].flatMap((name) => (lock.types[name] === undefined ? [] : [lock.types[name].versions]));
  for (const { type: of, version, name, data } of real) {
    if (of !== type.type) continue;
    if (type.versions[version - 1] === undefined) {
      findings.push(found.sampleRefused(of, version, name, "there is no such version"));
      continue;
    }
    const reading = readAs(type, version, data);
    const failed = reading.ok ? Object.entries(liftSample(subject, type, version, name, data)).find(([, outcome]) => "error" in outcome) : undefined;
    if (!reading.ok) findings.push(found.sampleRefused(of, version, name, reading.why));
    else if (failed !== undefined)
      findings.push(
        found.sampleRefused(of, version, name, `the step ${Number(failed[0]) - 1} → ${failed[0]} fails with ${(failed[1] as { error: string }).error}`),
      );
    else if (!entries.some((versions) => versions[version]?.samples[name] !== undefined)) fresh.push(`sample ${name} of version ${version}`);
  }
  return fresh.length === 0 ? findings : [...findings, found.notLocked(type.type, fresh)];
}

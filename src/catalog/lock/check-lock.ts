/** Holds a catalog against its lock. */

import { checkNewReal } from "./check-samples.ts";
import { checkType } from "./check-type.ts";
import type { Finding } from "./finding.ts";
import * as found from "./findings.ts";
import type { Lock } from "./lock.ts";
import type { LockSubject, RealSample } from "./subject.ts";

/** Finds what differs from the lock, what is new, and samples that cannot be read, sorted by type. Empty when everything is as recorded. */
export function checkLock(lock: Lock, subject: LockSubject, real: readonly RealSample[]): readonly Finding[] {
  const findings: Finding[] = [];
  const byName = new Map(subject.types.map((type) => [type.type, type]));
  const news = new Map<string, string[]>(subject.types.map(({ type }) => [type, []]));
  const known = new Map<string, Set<number>>(subject.types.map(({ type }) => [type, new Set()]));
  for (const [name, locked] of Object.entries(lock.types)) {
    const type = byName.get(subject.catalog.resolve(name) ?? "");
    if (type === undefined) {
      findings.push(found.typeDisappeared(name));
      continue;
    }
    const tell = (line: string): void => void news.get(type.type)!.push(line);
    if (type.type !== name) tell(`it was called ${name} so far`);
    for (const former of locked.formerly) if (subject.catalog.resolve(former) !== type.type) findings.push(found.formerNameDisappeared(type.type, former));
    for (const former of type.formerly) if (former !== name && !locked.formerly.includes(former)) tell(`former name ${former}`);
    for (const version of Object.keys(locked.versions)) known.get(type.type)!.add(Number(version));
    findings.push(...checkType(name, locked, type, subject, real, tell));
  }
  for (const type of subject.types) {
    const tell = (line: string): void => void news.get(type.type)!.push(line);
    if (known.get(type.type)!.size === 0) for (const former of type.formerly) if (lock.types[former] === undefined) tell(`former name ${former}`);
    for (const version of type.versions.keys()) if (!known.get(type.type)!.has(version + 1)) tell(`version ${version + 1}`);
    findings.push(...checkNewReal(type, subject, real, lock));
  }
  for (const [type, lines] of news) if (lines.length > 0) findings.push(found.notLocked(type, lines));
  return findings.sort((a, b) => order(a).localeCompare(order(b), "en"));
}

const order = ({ type, version, rule }: Finding): string => `${type ?? ""} ${String(version ?? 0).padStart(4, "0")} ${rule}`;

import { differences, equal } from "../canonical.ts";
import type { CheckedType } from "../check-definitions.ts";
import { codeFingerprint } from "../code-text.ts";
import { bounded } from "./bounded.ts";
import type { Finding } from "./finding.ts";
import * as found from "./findings.ts";
import type { LockedType } from "./lock.ts";
import { downcastSample } from "./subject.ts";

export function checkDowncast({ downcast: was, versions }: LockedType, type: CheckedType, tell: (line: string) => void): readonly Finding[] {
  const is = type.downcast;
  if (is === null) {
    if (was !== null) tell("it has no downcast any more");
    return [];
  }
  const from = type.versions.length;
  if (was === null || was.from !== from) {
    tell(`downcast from version ${from}`);
    return [];
  }
  const changes: string[] = [];
  if (was.version !== is.version) changes.push(`it is to version ${is.version}, was to version ${was.version}`);
  if (was.type !== (is.type ?? null)) changes.push(`it stores as ${is.type ?? type.type}, stored as ${was.type ?? type.type}`);
  for (const [name, { data }] of Object.entries(versions[from]?.samples ?? {})) {
    const stores = downcastSample(type, name, data);
    if (was.stores[name] !== undefined && !equal(was.stores[name], stores))
      changes.push(...differences(was.stores[name], stores, 5).map((line) => `sample ${name}: ${line}`));
  }
  if (changes.length === 0 && was.code !== codeFingerprint(is.data)) return [found.downcastEdited(type.type, from)];
  return changes.length > 0 ? [found.downcastChanged(type.type, from, bounded(changes))] : [];
}

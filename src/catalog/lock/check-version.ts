import { differences, equal, short } from "../canonical.ts";
import type { CheckedType, CheckedVersion } from "../check-definitions.ts";
import { describeDifference } from "../diff/difference.ts";
import { diffSchemas } from "../diff/schema-diff.ts";
import type { HiddenRule } from "../hidden-rules.ts";
import { listEdges } from "./edges.ts";
import type { LockedVersion } from "./lock.ts";
import { judgeEdge, lockedSchema } from "./record.ts";
import { sameWords } from "./same-words.ts";
import { readAs } from "./subject.ts";

interface VersionFindings {
  /** The samples and edges that the version now judges differently, and the changed rules. */
  readonly changes: readonly string[];
  /** Differences that come from another zod's wording alone. */
  readonly reworded: readonly string[];
  /** Checks whose code has changed. */
  readonly edited: readonly string[];
}

/** Whether the version is what was published: its JSON Schema, its hidden rules, and its answer to each sample and edge. */
export function checkVersion(entry: LockedVersion, type: CheckedType, version: number): VersionFindings {
  const checked = type.versions[version - 1]!;
  const [was, is] = [sameWords(entry.schema), lockedSchema(checked)];
  const words = equal(was, is) ? [] : schemaChanges(was, is);
  const rules = hiddenChanges(entry, checked);
  const judged = judgedOtherwise(entry, type, version);
  const otherZod = entry.zod !== null && entry.zod !== checked.zod;
  if (otherZod && judged.length === 0 && !rules.changes.some((line) => line.includes(": lengths "))) {
    const reworded = [...words, ...rules.changes, ...rules.edited];
    return { changes: [], reworded, edited: [] };
  }
  const changes = [...words, ...rules.changes, ...judged];
  if (otherZod && changes.length > 0) changes.push(`the lock was written with zod ${entry.zod}; this is zod ${checked.zod}`);
  return { changes, reworded: [], edited: changes.length > 0 ? [] : rules.edited };
}

/** Rules that JSON Schema does not show. A lock of format 1 recorded fewer of them, so it gives no findings here. */
function hiddenChanges({ zod, hidden }: LockedVersion, checked: CheckedVersion): { readonly changes: readonly string[]; readonly edited: readonly string[] } {
  if (zod === null) return { changes: [], edited: [] };
  const place = ({ at, what }: HiddenRule): string => `${at === "" ? "(the whole)" : at}: ${what}`;
  const count = (rules: readonly HiddenRule[]): ReadonlyMap<string, number> => {
    const counts = new Map<string, number>();
    for (const rule of rules) counts.set(place(rule), (counts.get(place(rule)) ?? 0) + 1);
    return counts;
  };
  const [before, after] = [count(hidden), count(checked.hidden)];
  const lacking = (from: typeof before, to: typeof before, word: string): string[] =>
    [...from].flatMap(([rule, times]) => (times > (to.get(rule) ?? 0) ? [`${rule} – ${word}; JSON Schema does not show it`] : []));
  const changes = [...lacking(before, after, "removed"), ...lacking(after, before, "added")];
  const edited = checked.hidden.filter((rule) => !hidden.some((known) => equal(known, rule))).map(place);
  return { changes, edited };
}

/** Samples and edges that get another answer. */
function judgedOtherwise(entry: LockedVersion, type: CheckedType, version: number): readonly string[] {
  const changes: string[] = [];
  for (const [name, { data, reads = data }] of Object.entries(entry.samples)) {
    const reading = readAs(type, version, data);
    if (!reading.ok) changes.push(`sample ${name} was accepted, is refused: ${reading.why}`);
    else if (!equal(reading.data, reads)) changes.push(...differences(reads, reading.data).map((line) => `sample ${name} is read differently: ${line}`));
  }
  const sample = entry.edges === null ? undefined : entry.samples[entry.edges.of];
  for (const [change, accepted] of sample === undefined ? [] : listEdges(entry.edges!)) {
    if (judgeEdge(type, version, sample!.data, change) !== !accepted) continue;
    const what = change.value === undefined ? `without ${change.at}` : `with ${change.at === "" ? "the whole" : change.at} = ${short(change.value, 60)}`;
    changes.push(`sample ${entry.edges!.of} ${what} was ${accepted ? "accepted, is refused" : "refused, is accepted"}`);
  }
  return changes;
}

function schemaChanges(before: LockedVersion["schema"], after: LockedVersion["schema"]): string[] {
  const told = diffSchemas(before, after).map(describeDifference);
  return told.length > 0 ? told : [...differences(before, after)];
}

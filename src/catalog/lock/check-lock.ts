/** Holds a catalog against its lock. */

import { differences, equal, fingerprint, short } from "../canonical.ts";
import type { CheckedType, CheckedVersion } from "../check-definitions.ts";
import { codeFingerprint } from "../code-text.ts";
import type { EventDefinition, UpcasterChain } from "../define.ts";
import { describeDifference, diffSchemas } from "../diff/schema-diff.ts";
import type { HiddenRule } from "../hidden-rules.ts";
import { listEdges } from "./edges.ts";
import type { Finding } from "./findings.ts";
import * as found from "./findings.ts";
import type { Lock, LockedSample, LockedType, LockedVersion } from "./lock.ts";
import { judgeEdge, lockedSchema } from "./record.ts";
import { sameWords } from "./same-words.ts";
import { downcastSample, type LockSubject, liftSample, type RealSample, readAs } from "./subject.ts";

/** Lines of one finding. */
const maxDetails = 20;

/** What differs, what is new, and samples that cannot be read: type by type, in order of their names. Empty when all is as recorded. */
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

/** Of definitions that do not make a catalog: what the lock has and they lack, and gaps. Empty when it is something else. */
export function checkDefinitionsOnly(lock: Lock | null, events: readonly EventDefinition[], upcasters: readonly UpcasterChain[]): readonly Finding[] {
  const findings: Finding[] = [];
  const lockedOf = (event: EventDefinition): LockedType | undefined => [event.type, ...event.formerly].map((name) => lock?.types[name]).find(Boolean);
  for (const name of Object.keys(lock?.types ?? {}))
    if (!events.some(({ type, formerly }) => type === name || formerly.includes(name))) findings.push(found.typeDisappeared(name));
  for (const event of events) {
    const versions = new Set(Object.keys(event.schemas).map(Number));
    const locked = lockedOf(event)?.versions ?? {};
    for (const version of Object.keys(locked).map(Number)) if (!versions.has(version)) findings.push(found.versionDisappeared(event.type, version));
    const steps = upcasters.find((chain) => chain.event.type === event.type)?.steps ?? {};
    const newest = Math.max(...versions);
    for (let from = 1; from < newest; from++)
      if (versions.has(from) && versions.has(from + 1) && typeof steps[from] !== "function")
        findings.push(found.chainGap(event.type, from, typeof locked[from]?.step === "string"));
  }
  return findings;
}

function checkType(
  name: string,
  locked: LockedType,
  type: CheckedType,
  subject: LockSubject,
  real: readonly RealSample[],
  tell: (line: string) => void,
): readonly Finding[] {
  const findings: Finding[] = [];
  /** Versions that are not what they were: what follows from that is not told again. */
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

function bounded(lines: readonly string[]): readonly string[] {
  return lines.length <= maxDetails ? lines : [...lines.slice(0, maxDetails), `and ${lines.length - maxDetails} more`];
}

interface VersionFindings {
  /** It demands something else. */
  readonly changes: readonly string[];
  /** Another zod says it in other words. */
  readonly reworded: readonly string[];
  /** Code that reads otherwise. */
  readonly edited: readonly string[];
}

/** Is the version what was published: its JSON Schema, its hidden rules, and what it says to each sample and edge? */
function checkVersion(entry: LockedVersion, type: CheckedType, version: number): VersionFindings {
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

/** Rules that JSON Schema does not show; of a lock of format 1, which recorded fewer, nothing is said. */
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
    else if (!equal(reading.data, reads)) changes.push(...differences(reads, reading.data).map((line) => `sample ${name} reads otherwise: ${line}`));
  }
  const sample = entry.edges === null ? undefined : entry.samples[entry.edges.of];
  for (const [change, accepted] of sample === undefined ? [] : listEdges(entry.edges!)) {
    if (judgeEdge(type, version, sample!.data, change) !== !accepted) continue;
    const what = change.value === undefined ? `without ${change.at}` : `with ${change.at === "" ? "the whole" : change.at} = ${short(change.value, 60)}`;
    changes.push(`sample ${entry.edges!.of} ${what} was ${accepted ? "accepted, is refused" : "refused, is accepted"}`);
  }
  return changes;
}

function checkDowncast({ downcast: was, versions }: LockedType, type: CheckedType, tell: (line: string) => void): readonly Finding[] {
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

function schemaChanges(before: LockedVersion["schema"], after: LockedVersion["schema"]): string[] {
  const told = diffSchemas(before, after).map(describeDifference);
  return told.length > 0 ? told : [...differences(before, after)];
}

interface StepFindings {
  readonly broken: ReadonlySet<number>;
  readonly results: Map<number, string[]>;
  readonly impure: Map<number, string[]>;
  /** Steps that the sample's entry has no result of. */
  readonly stepsSeen: Set<number>;
}

/** Follows one sample until it becomes something else: what comes after that follows from it. */
function compareSteps(
  version: number,
  name: string,
  { becomes }: LockedSample,
  now: LockedSample["becomes"],
  again: LockedSample["becomes"],
  { broken, results, impure, stepsSeen }: StepFindings,
): void {
  const last = Math.max(version, ...[...Object.keys(becomes), ...Object.keys(now)].map(Number));
  for (let to = version + 1; to <= last; to++) {
    const from = to - 1;
    if (broken.has(to)) return;
    const [was, is] = [becomes[to], now[to]];
    const tell = (list: Map<number, string[]>, lines: readonly string[]): void => {
      list.set(from, [...(list.get(from) ?? []), ...lines.map((line) => `sample ${name} of version ${version}: ${line}`)]);
    };
    if (!equal(is, again[to])) {
      tell(impure, differences(is, again[to], 3));
      return;
    }
    if (was === undefined) {
      if (is !== undefined) stepsSeen.add(from);
      continue;
    }
    if (equal(was, is)) continue;
    const bothData = is !== undefined && "data" in was && "data" in is;
    tell(results, bothData ? differences(was.data, is.data, 5) : [`${short(was)} → ${short(is)}`]);
    return;
  }
}

function checkRealFiles(entry: LockedVersion, type: CheckedType, version: number, real: readonly RealSample[]): readonly Finding[] {
  const files = new Map(real.filter((sample) => sample.type === type.type && sample.version === version).map(({ name, data }) => [name, data]));
  return Object.entries(entry.samples).flatMap(([name, { data }]) => {
    if (!name.startsWith("real/")) return [];
    const file = files.get(name);
    if (file === undefined) return [found.sampleDisappeared(type.type, version, name)];
    return equal(file, data) ? [] : [found.sampleChanged(type.type, version, name, differences(data, file))];
  });
}

/** Real samples have to be readable to the end, locked or not; those that are not locked yet are news. */
function checkNewReal(type: CheckedType, subject: LockSubject, real: readonly RealSample[], lock: Lock): readonly Finding[] {
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

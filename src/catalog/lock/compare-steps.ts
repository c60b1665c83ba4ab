import { differences, equal, short } from "../canonical.ts";
import type { LockedSample } from "./lock.ts";

interface StepFindings {
  readonly broken: ReadonlySet<number>;
  readonly results: Map<number, string[]>;
  readonly impure: Map<number, string[]>;
  /** Steps that the sample's entry has no result of. */
  readonly stepsSeen: Set<number>;
}

/** Follows one sample up to the first step that gives another result, because later differences are consequences of that one. */
export function compareSteps(
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

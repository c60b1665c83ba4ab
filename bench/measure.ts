/** One figure beside its floor: the same work done by the bare means below it, in the same process and minute. */
export interface Benchmark {
  readonly name: string;
  readonly unit: string;
  /** The target, if there is one. */
  readonly target?: number;
  /** The figure to which the target applies. Default: the ratio has to be at least the target. */
  readonly bound?: Bound;
  /**
   * What a run's figure is. `rate` (default): the units of `go`, a second. `percentile95`: milliseconds of a hundred `go`, all but five. `own`: what `go`
   * resolves with.
   */
  readonly figure?: "rate" | "percentile95" | "own";
  /** Runs in the full measure; default 7. */
  readonly runs?: number;
  /** Default true. False where each run is a process of its own, which a run before it cannot warm. */
  readonly warmUp?: boolean;
  /** Of the full size, with `--quick`. Default 0.05. */
  readonly quickScale?: number;
  /**
   * Default: 7 runs, the floor after the subject. It is given when subject and floor wait for a third party, because a slow moment of that party would hit only
   * one of the two. There are then so many short runs, subject and floor take turns at being first, and the floor uses nothing of the subject's run.
   */
  readonly turns?: number;
  /** Builds what both runs need. `scale` is 1, or less for a quick look. */
  prepare(scale: number): Promise<Prepared>;
}

/** Less is better with `at most`. */
export type Bound = "ratio at least" | "ratio at most" | "value at least" | "value at most";

/** One run's work: `before` is not timed; `go` is, and resolves with how many units it did, or with a figure of its own. */
export interface Run {
  before?(): Promise<void>;
  go(): Promise<number>;
  /** Seconds that the serving thread worked for the last `go`. Where it is there, the target is for it: what else the machine does hardly changes it. */
  cpu?(): Promise<number>;
}

export interface Prepared {
  readonly subject: Run;
  /** Runs right after the subject, or before it where they take turns. */
  readonly floor: Run;
  /** What else was missed beside the target, asked after the last run; null: nothing. */
  fault?(): string | null;
  close(): Promise<void>;
}

export interface Figure {
  readonly name: string;
  /** Median of the runs: units a second; a 95th percentile within a run; or what the benchmark says that it is. */
  readonly value: number;
  readonly unit: string;
  /** The floor's median. */
  readonly floor: number;
  /** Median of the runs' own ratios, each to the floor's run beside it. For rates, 1 means that Reprise costs nothing; for times, 2 means twice as long. */
  readonly ratio: number;
  readonly target: number | null;
  /** Null without a target. False also for what else the benchmark demands; it then says so on stderr. */
  readonly ok: boolean | null;
  /** (largest − smallest) / median of Reprise's runs: a ratio below this difference says nothing. */
  readonly spread: number;
  readonly runs: number;
  /** The median of the floor's CPU time to Reprise's, run by run, and how far apart the middle half of these ratios is. */
  readonly cpu?: { readonly ratio: number; readonly spread: number };
}

/** Runs subject and floor one after the other, so that what disturbs the machine disturbs both. The first run of each warms up and is not counted. */
export async function measure(
  {
    name,
    unit,
    turns,
    target = null,
    bound = "ratio at least",
    figure = "rate",
    warmUp = true,
    prepare,
  }: Omit<Benchmark, "target"> & {
    readonly target?: number | null;
  },
  runs: number,
  scale: number,
): Promise<Figure> {
  const prepared = await prepare(scale);
  const once = { rate: perSecond, percentile95, own }[figure];
  try {
    const values: number[] = [];
    const floors: number[] = [];
    const ratiosOfCpu: number[] = [];
    const timed = async (run: Run) => ({ figure: await once(run), cpu: await run.cpu?.() });
    for (let run = warmUp ? 0 : 1; run <= runs; run++) {
      const floorFirst = turns !== undefined && run % 2 === 1 ? await timed(prepared.floor) : null;
      const value = await timed(prepared.subject);
      const floor = floorFirst ?? (await timed(prepared.floor));
      if (run === 0) continue;
      values.push(value.figure);
      floors.push(floor.figure);
      if (value.cpu !== undefined && floor.cpu !== undefined) ratiosOfCpu.push(floor.cpu / value.cpu);
    }
    const value = median(values);
    const floor = median(floors);
    const ratio = median(values.map((each, index) => each / floors[index]!));
    const fault = prepared.fault?.() ?? null;
    if (fault !== null) console.error(`${name}: ${fault}`);
    const cpu = ratiosOfCpu.length === 0 ? null : middleOf(ratiosOfCpu);
    const ok = target === null ? null : fault === null && reaches({ value, ratio: cpu?.ratio ?? ratio }, bound, target);
    const spread = (Math.max(...values) - Math.min(...values)) / value;
    return { name, value, unit, floor, ratio, target, ok, spread, runs, ...(cpu === null ? {} : { cpu }) };
  } finally {
    await prepared.close();
  }
}

function reaches({ value, ratio }: { readonly value: number; readonly ratio: number }, bound: Bound, target: number): boolean {
  const judged = bound.startsWith("ratio") ? ratio : value;
  return bound.endsWith("least") ? judged >= target : judged <= target;
}

async function own(run: Run): Promise<number> {
  await run.before?.();
  return run.go();
}

async function perSecond(run: Run): Promise<number> {
  await run.before?.();
  const startedMs = performance.now();
  const count = await run.go();
  return count / ((performance.now() - startedMs) / 1000);
}

/** Of one run: each `go` is one. */
const requests = 100;

async function percentile95(run: Run): Promise<number> {
  const times: number[] = [];
  for (let request = 0; request < requests; request++) {
    await run.before?.();
    const startedMs = performance.now();
    await run.go();
    times.push(performance.now() - startedMs);
  }
  return times.sort((a, b) => a - b)[Math.floor(requests * 0.95)]!;
}

function middleOf(ratios: readonly number[]): { readonly ratio: number; readonly spread: number } {
  const sorted = ratios.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.floor((sorted.length - 1) * part)]!;
  return { ratio: median(sorted), spread: (at(0.75) - at(0.25)) / median(sorted) };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

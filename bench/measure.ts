/** One figure beside its floor: the same work done by the bare means below it, in the same process and minute. */
export interface Benchmark {
  readonly name: string;
  /** What is counted a second. */
  readonly unit: string;
  /**
   * Default: 7 runs, the floor after the subject. Given where subject and floor wait for a third party, whose moods would else hit one of the two: so
   * many runs, short ones, and they take turns at being first; the floor then makes nothing of what the subject did.
   */
  readonly turns?: number;
  /** Builds what both runs need. `scale` is 1, or less for a quick look. */
  prepare(scale: number): Promise<Prepared>;
}

/** One run's work: `before` is not timed; `go` is, and resolves with how many units it did. */
export interface Run {
  before?(): Promise<void>;
  go(): Promise<number>;
}

export interface Prepared {
  readonly subject: Run;
  /** Runs right after the subject, or before it where they take turns. */
  readonly floor: Run;
  close(): Promise<void>;
}

export interface Figure {
  readonly name: string;
  /** Median of the runs, units a second. */
  readonly value: number;
  readonly unit: string;
  /** The floor's median, units a second. */
  readonly floor: number;
  /** Median of the runs' own ratios, each to the floor's run beside it: 1 would mean that Reprise costs nothing on top. */
  readonly ratio: number;
  /** (largest − smallest) / median of Reprise's runs: a ratio below this difference says nothing. */
  readonly spread: number;
  readonly runs: number;
}

/** Runs subject and floor one after the other, so that what disturbs the machine disturbs both. The first run of each warms up and is not counted. */
export async function measure({ name, unit, turns, prepare }: Benchmark, runs: number, scale: number): Promise<Figure> {
  const prepared = await prepare(scale);
  try {
    const values: number[] = [];
    const floors: number[] = [];
    for (let run = 0; run <= runs; run++) {
      const floorFirst = turns !== undefined && run % 2 === 1 ? await perSecond(prepared.floor) : null;
      const value = await perSecond(prepared.subject);
      const floor = floorFirst ?? (await perSecond(prepared.floor));
      if (run === 0) continue;
      values.push(value);
      floors.push(floor);
    }
    const value = median(values);
    const ratio = median(values.map((each, run) => each / floors[run]!));
    return { name, value, unit, floor: median(floors), ratio, spread: (Math.max(...values) - Math.min(...values)) / value, runs };
  } finally {
    await prepared.close();
  }
}

async function perSecond(run: Run): Promise<number> {
  await run.before?.();
  const startedMs = performance.now();
  const count = await run.go();
  return count / ((performance.now() - startedMs) / 1000);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

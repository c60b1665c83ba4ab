import { rmSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { atSource, bundle } from "../bundle/bundle.ts";
import { type Child, serviceFlags, startNode } from "./child.ts";
import type { Benchmark } from "./measure.ts";
import type { Window } from "./processes/grow.ts";
import { shared } from "./shared.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** A process that appends events over so many lanes, has them delivered and shown by the views, window after window, and then reads all entities. */
async function grow(folder: string, events: number, lanes: number): Promise<{ readonly windows: readonly Window[]; readonly peakMb: number }> {
  const program = await bundled(new URL("./processes/grow.ts", import.meta.url));
  const lines = await linesOf(startNode(program, [folder, String(events), String(lanes)], { flags: serviceFlags }));
  return { windows: lines.slice(0, -1).map((line) => JSON.parse(line) as Window), peakMb: Number(lines.at(-1)) };
}

/**
 * The program as a service runs: from a bundle, as `npm start` and the package are. Node's compiler of TypeScript takes about 20 MB in each thread that runs
 * a source.
 */
async function bundled(program: URL): Promise<URL> {
  const file = fileURLToPath(program);
  rmSync(bundleFolder, { recursive: true, force: true }); // names of chunks change with the sources
  await bundle(bundleFolder, atSource, [file]);
  return pathToFileURL(join(bundleFolder, `${basename(file, ".ts")}.js`));
}

/** Inside the repository, so that packages are found from there. */
const bundleFolder = fileURLToPath(new URL("../node_modules/.cache/reprise-bench/", import.meta.url));

/** Ten million events over 10,000 lanes, for both rows that look at them. */
const tenMillion = shared(async (scale) => {
  const folder = temporaryFolder();
  const grown = await grow(folder, Math.round(10_000_000 * scale), Math.max(100, Math.round(10_000 * scale)));
  return {
    folder,
    ...grown,
    async close() {
      rmSync(folder, { recursive: true });
    },
  };
});

/** A run is a process of its own that says what it came to, and takes minutes. */
const longRun = { figure: "own", runs: 1, warmUp: false } as const;

/** How far the resident memory of the last quarter may be above that of the quarter before. Smaller differences come from the garbage collector. */
const growthAllowed = 0.1;

/**
 * The largest resident memory of the process that appended, delivered and read ten million events. At full size missed also when
 * the last quarter's events took over a tenth more memory than those of the quarter before. The floor's process inserts the same rows, 1,000 a
 * transaction, and reads them, with node:sqlite alone.
 */
const memoryBenchmark: Benchmark = {
  name: "memory-10m",
  unit: "MB",
  target: 250,
  bound: "value at most",
  ...longRun,
  quickScale: 0.004,
  async prepare(scale) {
    const { folder, windows, peakMb } = await tenMillion(scale);
    const twin = join(folder, "twin.db");
    return {
      subject: { go: async () => peakMb },
      floor: {
        async go() {
          const lines = await linesOf(startNode(await bundled(new URL("./processes/bare-grow.ts", import.meta.url)), [join(folder, "log.db"), twin]));
          rmSync(twin);
          return Number(lines.at(-1));
        },
      },
      fault() {
        if (scale < 1) return null; // so few events are over while it still warms up
        const quarter = Math.floor(windows.length / 4);
        const [before, last] = [windows.slice(-2 * quarter, -quarter), windows.slice(-quarter)].map((some) =>
          average(some.map(({ residentMb }) => residentMb)),
        );
        return last! > before! * (1 + growthAllowed) ? `it grew from ${before!.toFixed()} MB in the third quarter to ${last!.toFixed()} MB in the last` : null;
      },
      async close() {},
    };
  },
};

/**
 * Events a second that are appended, delivered and shown by the views: the last tenth of ten million, against the second hundred thousand of the same
 * run (the first warms up).
 */
const eventsBenchmark: Benchmark = {
  name: "growth-events",
  unit: "events/s",
  target: 0.9,
  ...longRun,
  quickScale: 0.004,
  async prepare(scale) {
    const { windows } = await tenMillion(scale);
    return {
      subject: { go: async () => rateOf(windows.slice(-Math.ceil(windows.length / 10))) },
      floor: { go: async () => rateOf(windows.slice(1, 2)) },
      async close() {},
    };
  },
};

/** The same work with two million events over a million lanes, against a thousand lanes. */
const lanesBenchmark: Benchmark = {
  name: "growth-lanes",
  unit: "events/s",
  target: 0.67, // the time of an event within 1.5
  ...longRun,
  quickScale: 0.008,
  async prepare(scale) {
    const over = (lanes: number) => ({
      async go() {
        const folder = temporaryFolder();
        const { windows } = await grow(folder, Math.round(2_000_000 * scale), Math.max(100, Math.round(lanes * scale)));
        rmSync(folder, { recursive: true });
        return rateOf(windows);
      },
    });
    return { subject: over(1_000_000), floor: over(1000), async close() {} };
  },
};

export const growthBenchmarks: readonly Benchmark[] = [memoryBenchmark, eventsBenchmark, lanesBenchmark];

async function linesOf(child: Child): Promise<readonly string[]> {
  try {
    return await child.lines();
  } finally {
    await child.kill();
  }
}

function rateOf(windows: readonly Window[]): number {
  const events = windows.reduce((sum, window) => sum + window.events, 0);
  return events / (windows.reduce((sum, window) => sum + window.ms, 0) / 1000);
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

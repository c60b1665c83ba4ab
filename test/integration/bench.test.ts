import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { type Benchmark, type Bound, measure } from "../../bench/measure.ts";
import { sampleOrder } from "../../bench/samples.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { repositoryFolder, runNode } from "../support/run-tool.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const bench = (...args: readonly string[]) => runNode(repositoryFolder, "--conditions=@reprise/source", "bench/main.ts", ...args);

const added = [
  ...["append-64-github", "append-batch-github", "http-append-1-github", "upcast-1-github", "replay-ordered-github"],
  ...[
    "http-append-1",
    "http-append-100",
    "http-append-1-keys",
    "deliver-metrics",
    "http-append-1-metrics",
    "loop-stop",
    "eventstoredb-service-append",
    "start-after-kill",
    "start-empty",
    "poisoned-0",
    "poisoned-1",
    "poisoned-10",
    "memory-10m",
    "growth-events",
    "growth-lanes",
  ],
];

describe("npm run bench", { timeout: 60_000 }, () => {
  it("gives one object a line, each figure with its floor", async () => {
    const { code, stdout } = await bench("append-batch", "upcast-1", "--quick", "--json");
    expect(code).toBe(0);
    const figures = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(figures.map(({ name }) => name)).toEqual(["append-batch", "upcast-1"]);
    for (const figure of figures) {
      expect(Object.keys(figure)).toEqual(["name", "value", "unit", "floor", "ratio", "target", "ok", "spread", "runs"]);
      expect(figure.ratio).toBeGreaterThan(0);
    }
  });

  it("has a floor of memory-10m that copies the rows of a log as they are today", async () => {
    const folder = temporaryFolder();
    const log = await openSqliteLog(folder);
    await log.append("default.order-1", [sampleOrder(1), sampleOrder(2)], "none");
    await log.close();
    const { code, stdout, stderr } = await runNode(
      repositoryFolder,
      "--conditions=@reprise/source",
      "bench/processes/bare-grow.ts",
      join(folder, "log.db"),
      join(folder, "twin.db"),
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(Number(stdout)).toBeGreaterThan(10);
  });

  it("refuses a name that it does not know, and says which there are", async () => {
    const { code, stdout, stderr } = await bench("no-such-thing");
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    for (const name of added) expect(stderr).toMatch(new RegExp(` ${name}(,|\\n)`));
  });
});

describe("a figure's target", () => {
  /** Reprise's runs and its floor's, in turn. */
  const fake = (values: readonly number[], floors: readonly number[], wanted: Partial<Benchmark>, fault: string | null = null): Benchmark => {
    const inTurn = (figures: readonly number[]) => {
      const left = [...figures];
      return { go: async () => left.shift()! };
    };
    return {
      ...{ name: "fake", unit: "ms", figure: "own", warmUp: false, ...wanted },
      prepare: async () => ({ subject: inTurn(values), floor: inTurn(floors), fault: () => fault, close: async () => {} }),
    };
  };

  it.each<[Bound, number, boolean]>([
    ["ratio at least", 2, true],
    ["ratio at least", 2.1, false],
    ["ratio at most", 2, true],
    ["ratio at most", 1.9, false],
    ["value at least", 20, true],
    ["value at least", 21, false],
    ["value at most", 20, true],
    ["value at most", 19, false],
  ])("%s %d: %s", async (bound, target, ok) => {
    const figure = await measure(fake([10, 20, 30], [5, 10, 15], { bound, target }), 3, 1);
    expect(figure).toEqual({ name: "fake", value: 20, unit: "ms", floor: 10, ratio: 2, target, ok, spread: 1, runs: 3 });
  });

  it("is a ratio at least where nothing else is said, and no verdict without one", async () => {
    expect(await measure(fake([10], [5], { target: 2 }), 1, 1)).toMatchObject({ target: 2, ok: true });
    expect(await measure(fake([10], [5], {}), 1, 1)).toMatchObject({ target: null, ok: null });
  });

  it("is missed where the benchmark finds another fault, and stderr says which", async () => {
    const told = vi.spyOn(console, "error").mockImplementation(() => {});
    expect(await measure(fake([10], [5], { target: 2 }, "it grew"), 1, 1)).toMatchObject({ ratio: 2, ok: false });
    expect(told).toHaveBeenCalledExactlyOnceWith("fake: it grew");
    told.mockRestore();
  });
});

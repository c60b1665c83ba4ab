/** `npm run bench [-- name…] [--quick] [--json]`: figures beside their floors. docs/operating.md says how to read them. */
import { parseArgs } from "node:util";
import { deliveryBenchmarks } from "./delivery.ts";
import { eventStoreDbBenchmarks } from "./eventstoredb.ts";
import { githubBenchmarks } from "./github.ts";
import { growthBenchmarks } from "./growth.ts";
import { httpBenchmarks } from "./http.ts";
import { httpKeysBenchmark } from "./http-keys.ts";
import { appendBenchmarks, catchUpBenchmark } from "./log.ts";
import { loopStopBenchmark } from "./loop-stop.ts";
import { type Benchmark, type Bound, type Figure, measure } from "./measure.ts";
import { metricsBenchmarks } from "./metrics.ts";
import { orderedBenchmarks } from "./ordered.ts";
import { poisonedBenchmarks } from "./poisoned.ts";
import { retentionBenchmark } from "./retention.ts";
import { retentionRunBenchmark } from "./retention-run.ts";
import { serviceAppendBenchmark } from "./service-append.ts";
import { closeShared } from "./shared.ts";
import { startBenchmark, startEmptyBenchmark } from "./start.ts";
import { tenantsFloodBenchmarks } from "./tenants-flood.ts";
import { upcastBenchmarks } from "./upcast.ts";
import { deadLetterBenchmarks, rebuildBenchmark } from "./views.ts";
import { webhookBenchmarks } from "./webhooks.ts";

const benchmarks: readonly Benchmark[] = [
  ...appendBenchmarks,
  catchUpBenchmark,
  ...eventStoreDbBenchmarks,
  serviceAppendBenchmark,
  ...upcastBenchmarks,
  ...orderedBenchmarks,
  ...deliveryBenchmarks,
  ...webhookBenchmarks,
  rebuildBenchmark,
  ...deadLetterBenchmarks,
  ...httpBenchmarks,
  httpKeysBenchmark,
  ...metricsBenchmarks,
  ...tenantsFloodBenchmarks,
  loopStopBenchmark,
  startBenchmark,
  startEmptyBenchmark,
  ...poisonedBenchmarks,
  retentionBenchmark,
  retentionRunBenchmark,
  ...githubBenchmarks,
  ...growthBenchmarks,
];

/** Of the full size, with `--quick`, where a row does not say its own: all rows in two minutes. */
const quickScale = 0.05;

const { values: flags, positionals: names } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: "boolean", default: false }, json: { type: "boolean", default: false } },
});
const unknown = names.filter((name) => !benchmarks.some((benchmark) => benchmark.name === name));
if (unknown.length > 0) {
  console.error(`No benchmark ${unknown.join(", ")}. There are: ${benchmarks.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}

if (!flags.json) console.log(row("", "Reprise", "floor", "ratio", "target", "", "spread", "runs"));
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => process.exit(1)); // so that children and folders go, too
try {
  for (const benchmark of benchmarks) {
    if (names.length > 0 && !names.includes(benchmark.name)) continue;
    const figure = flags.quick
      ? await measure(benchmark, Math.min(3, benchmark.runs ?? 3), benchmark.quickScale ?? quickScale)
      : await measure(benchmark, benchmark.turns ?? benchmark.runs ?? 7, 1);
    console.log(flags.json ? JSON.stringify(figure) : asRow(figure, benchmark));
    if (!flags.json && figure.cpu !== undefined) console.log(asCpuRow(figure.cpu));
  }
} finally {
  await closeShared();
}

function asRow({ name, value, unit, floor, ratio, target, ok, spread, runs }: Figure, { bound = "ratio at least" }: Benchmark): string {
  const number = unit === "ms" ? (ms: number) => ms.toFixed(2) : inThousands;
  const wanted = target === null ? "" : asTarget(target, unit, bound);
  const verdict = ok === null ? "" : ok ? "ok" : "missed";
  return row(name, `${number(value)} ${unit}`, number(floor), ratio.toFixed(2), wanted, verdict, `${Math.round(spread * 100)} %`, String(runs));
}

function asCpuRow({ ratio, spread }: NonNullable<Figure["cpu"]>): string {
  return row("  by CPU time", "", "", ratio.toFixed(3), "", "", `${(spread * 100).toFixed(1)} %`, "");
}

function asTarget(target: number, unit: string, bound: Bound): string {
  if (bound === "ratio at least") return `≥ ${target.toFixed(2)}`;
  if (bound === "ratio at most") return `≤ ${target.toFixed(2)} ×`;
  const sign = bound === "value at least" ? "≥" : "≤";
  return `${sign} ${target.toLocaleString("en-US")}${unit.endsWith("/s") ? "/s" : ` ${unit}`}`;
}

function row(name: string, value: string, floor: string, ratio: string, target: string, verdict: string, spread: string, runs: string): string {
  const right = [value.padStart(20), floor.padStart(12), ratio.padStart(8), target.padStart(12), verdict.padStart(8), spread.padStart(9), runs.padStart(6)];
  return name.padEnd(28) + right.join("");
}

function inThousands(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

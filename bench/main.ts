/** `npm run bench [-- name…] [--quick] [--json]`: figures beside their floors. docs/operating.md says how to read them. */
import { parseArgs } from "node:util";
import { deliveryBenchmarks } from "./delivery.ts";
import { eventStoreDbBenchmarks } from "./eventstoredb.ts";
import { appendBenchmarks, catchUpBenchmark } from "./log.ts";
import { type Figure, measure } from "./measure.ts";
import { upcastBenchmarks } from "./upcast.ts";

const benchmarks = [...appendBenchmarks, catchUpBenchmark, ...eventStoreDbBenchmarks, ...upcastBenchmarks, ...deliveryBenchmarks];

const { values: flags, positionals: names } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: "boolean", default: false }, json: { type: "boolean", default: false } },
});
const unknown = names.filter((name) => !benchmarks.some((benchmark) => benchmark.name === name));
if (unknown.length > 0) {
  console.error(`No benchmark ${unknown.join(", ")}. There are: ${benchmarks.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}

if (!flags.json) console.log(row("", "Reprise", "floor", "ratio", "spread", "runs"));
for (const benchmark of benchmarks) {
  if (names.length > 0 && !names.includes(benchmark.name)) continue;
  const figure = flags.quick ? await measure(benchmark, 3, 0.1) : await measure(benchmark, benchmark.turns ?? 7, 1);
  console.log(flags.json ? JSON.stringify(figure) : asRow(figure));
}

function asRow({ name, value, unit, floor, ratio, spread, runs }: Figure): string {
  return row(name, `${inThousands(value)} ${unit}`, inThousands(floor), ratio.toFixed(2), `${Math.round(spread * 100)} %`, String(runs));
}

function row(name: string, value: string, floor: string, ratio: string, spread: string, runs: string): string {
  return `${name.padEnd(26)}${value.padStart(20)}${floor.padStart(12)}${ratio.padStart(8)}${spread.padStart(9)}${runs.padStart(6)}`;
}

function inThousands(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

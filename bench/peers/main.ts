/** `npm start [-- name…] [--quick] [--json]`: Reprise beside its peers. README.md says what each row does. */
import { parseArgs } from "node:util";
import { type Figure, measure } from "../measure.ts";
import { bullMqRows } from "./bullmq.ts";
import { castoreRows } from "./castore.ts";
import { emmettRows } from "./emmett.ts";
import { eventStoreDbRows } from "./eventstoredb.ts";
import type { PeerRow } from "./row.ts";

/** Of the full size, with `--quick`. */
const quickScale = 0.05;

/** Name and peer begin their columns, figures end theirs; the last has no width. */
const widths = [27, 49, -20, -12, -8, -9, -8, -9, -6];

console.log = console.error; // Emmett logs what it refuses; the output is for rows
const print = (line: string) => process.stdout.write(`${line}\n`);

const { values: flags, positionals: names } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: "boolean", default: false }, json: { type: "boolean", default: false } },
});
const redisUrl = process.env.REDIS_URL ?? "";
if (redisUrl === "") console.error("BullMQ was left out: REDIS_URL names no Redis.");
const rows = [...emmettRows, ...castoreRows, ...eventStoreDbRows, ...(redisUrl === "" ? [] : await bullMqRows(redisUrl))];
const unknown = names.filter((name) => !rows.some(({ benchmark }) => benchmark.name === name));
if (unknown.length > 0) {
  console.error(`No row ${unknown.join(", ")}. There are: ${[...new Set(rows.map(({ benchmark }) => benchmark.name))].join(", ")}`);
  process.exit(2);
}

if (!flags.json) print(asLine("", "peer", "its rate", "Reprise", "ratio", "target", "", "spread", "runs", "the peer's durability"));
for (const row of rows) {
  const { benchmark } = row;
  if (names.length > 0 && !names.includes(benchmark.name)) continue;
  const figure = flags.quick
    ? await measure(benchmark, Math.min(3, benchmark.runs ?? 3), quickScale)
    : await measure(benchmark, benchmark.turns ?? benchmark.runs ?? 7, 1);
  print(flags.json ? JSON.stringify(asJson(row, figure)) : asRow(row, figure));
}

/** `value` is the peer's; `ratio` is Reprise's rate divided by it; `spread` is of Reprise's runs, as in bench/measure.ts. */
function asJson({ peer, version, durability }: PeerRow, { name, value: reprise, unit, floor: value, ratio, target, ok, spread, runs }: Figure) {
  return { name, peer, version, value, unit, reprise, ratio, target, ok, spread, runs, durability };
}

function asRow({ peer, version, durability }: PeerRow, { name, value, unit, floor, ratio, target, ok, spread, runs }: Figure): string {
  const wanted = target === null ? "" : `≥ ${target}`;
  const verdict = ok === null ? "" : ok ? "ok" : "missed";
  const figures = [`${inThousands(floor)} ${unit}`, inThousands(value), ratio.toFixed(2), wanted, verdict, `${Math.round(spread * 100)} %`, String(runs)];
  return asLine(name, `${peer} ${version}`, ...figures, durability);
}

function asLine(...columns: readonly string[]): string {
  return columns
    .map((column, index) => {
      const width = widths[index];
      if (width === undefined) return `  ${column}`;
      return width < 0 ? column.padStart(-width) : column.padEnd(width);
    })
    .join("");
}

function inThousands(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

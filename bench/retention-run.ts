import { cpSync, createWriteStream, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { finished } from "node:stream/promises";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { makeCatalog } from "../src/catalog/make-catalog.ts";
import { systemClock } from "../src/event/clock.ts";
import { newId } from "../src/event/ids.ts";
import { openSqliteLog } from "../src/log/sqlite/open-sqlite-log.ts";
import { openArchive } from "../src/retention/archive/open-archive.ts";
import { Findings } from "../src/retention/findings.ts";
import { runRetention } from "../src/retention/run.ts";
import type { Benchmark } from "./measure.ts";
import { dayMs, fillDays, firstDayMs } from "./retention.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** The days of the log's events; the run is on the last of them. */
const days = 10;
const rulesOf = (archive: string) => [
  { entityType: "order", afterMs: 3 * dayMs, keepLast: 0, archive },
  { entityType: "chat", afterMs: 5 * dayMs, keepLast: 20, archive },
  { entityType: "trace", afterMs: dayMs / 2, keepLast: 0, archive },
];
/** How far the resident memory of the last quarter may be above that of the quarter before. */
const growthAllowed = 0.15;
const sampleEveryMs = 50;
const removedAtOnce = 1000;
const blockBytes = 256 * 1024;
const pack = promisify(gzip);

/**
 * Events archived and removed a second by a run with nobody beside it: a million events of 10,000 entities, three rules. Missed also when what is left is not
 * what a list made by force says, when memory grows while it runs, or when log.db does not get shorter.
 *
 * The floor reads the same rows with node:sqlite, packs those of the list into one file, deletes them and gives their pages back.
 */
export const retentionRunBenchmark: Benchmark = {
  name: "retention-run",
  unit: "events/s",
  figure: "own",
  runs: 3,
  warmUp: false,
  async prepare(scale) {
    const folder = temporaryFolder();
    const full = join(folder, "full");
    const total = 1_000_000 * scale;
    await fillDays(full, { perDay: Math.round(total / days), total, entities: Math.max(100, Math.round(10_000 * scale)), days: days - 1 });
    const nowMs = firstDayMs + (days - 1) * dayMs;
    const { goes, left, all } = byForce(join(full, "log.db"), nowMs);
    let fault: string | null = null;
    const onCopy = async (work: (copy: string) => Promise<void>) => {
      const copy = join(folder, newId());
      cpSync(full, copy, { recursive: true });
      const startedMs = performance.now();
      await work(copy);
      const rate = all / ((performance.now() - startedMs) / 1000);
      return { rate, copy };
    };
    return {
      subject: {
        async go() {
          const memory = sampled();
          const { rate, copy } = await onCopy((folder) => run(folder, nowMs));
          fault ??= memory.growth() ?? wrongIn(join(copy, "log.db"), left) ?? notShorter(full, copy);
          rmSync(copy, { recursive: true });
          return rate;
        },
      },
      floor: {
        async go() {
          const { rate, copy } = await onCopy((folder) => bare(folder, goes));
          rmSync(copy, { recursive: true });
          return rate;
        },
      },
      fault: () => fault,
      async close() {
        rmSync(folder, { recursive: true });
      },
    };
  },
};

interface Row {
  readonly position: number;
  readonly name: string;
  readonly revision: number;
  readonly recorded_at: number;
}

const rowsOf = (db: DatabaseSync, columns: string) =>
  db.prepare(`select ${columns} from events e join streams s on s.id = e.stream_id where s.tenant <> 'reprise' order by e.position`).iterate();

/** Entity by entity: how many of its first events go, and how many stay. */
function byForce(file: string, nowMs: number) {
  const db = new DatabaseSync(file, { readOnly: true });
  const times = new Map<string, number[]>();
  for (const { name, recorded_at } of rowsOf(db, "s.name, e.recorded_at") as Iterable<Row>) {
    const own = times.get(name);
    if (own === undefined) times.set(name, [recorded_at]);
    else own.push(recorded_at);
  }
  db.close();
  const goes = new Map<string, number>();
  const left = new Map<string, number>();
  let all = 0;
  for (const [stream, own] of times) {
    const rule = rulesOf("").find(({ entityType }) => stream.startsWith(`default.${entityType}-`));
    let count = 0;
    if (rule !== undefined) while (count < own.length - rule.keepLast && own[count]! <= nowMs - rule.afterMs) count++;
    goes.set(stream, count);
    if (count < own.length) left.set(stream, own.length - count);
    all += count;
  }
  return { goes, left, all };
}

function wrongIn(file: string, left: ReadonlyMap<string, number>): string | null {
  const db = new DatabaseSync(file, { readOnly: true });
  const counts = new Map<string, number>();
  for (const { name } of rowsOf(db, "s.name") as Iterable<Row>) counts.set(name, (counts.get(name) ?? 0) + 1);
  db.close();
  const wrong = [...new Set([...left.keys(), ...counts.keys()])].filter((stream) => left.get(stream) !== counts.get(stream));
  return wrong.length === 0 ? null : `${wrong.length} entities differ from the list made by force, ${wrong[0]} for one`;
}

function notShorter(before: string, after: string): string | null {
  const [was, is] = [before, after].map((folder) => statSync(join(folder, "log.db")).size) as [number, number];
  return is < was ? null : `log.db has ${is} bytes, and had ${was}`;
}

async function run(folder: string, nowMs: number): Promise<void> {
  const clock = { ...systemClock, now: () => nowMs };
  const log = await openSqliteLog(folder);
  const rules = rulesOf(`file:${join(folder, "archive")}`);
  const needs = { log, catalog: makeCatalog({ events: [] }), rules, handlers: new Set<string>(), clock, newId, life: newId() };
  const progress = { findings: new Findings(rules, nowMs), archived: 0, segments: 0, removed: 0, forgotten: 0, freedBytes: 0, owed: null };
  const how = { runId: newId(), actor: "local", reason: null, dryRun: false, eventsPerSecond: null, progress, signal: new AbortController().signal };
  await runRetention({ ...needs, openArchive: (url) => openArchive(url, log.logId) }, how);
  await log.close();
}

async function bare(folder: string, goes: ReadonlyMap<string, number>): Promise<void> {
  const db = new DatabaseSync(join(folder, "log.db"));
  const file = createWriteStream(join(folder, "archive.gz"));
  let lines: string[] = [];
  let bytes = 0;
  const write = async () => {
    file.write(await pack(lines.join("\n")));
    [lines, bytes] = [[], 0];
  };
  const read = db.prepare("select e.*, s.name from events e join streams s on s.id = e.stream_id where e.position > ? order by e.position limit ?");
  const remove = db.prepare("delete from events where position = ?");
  for (let after = 0; ; ) {
    const rows = read.all(after, removedAtOnce) as unknown as Row[];
    if (rows.length === 0) break;
    const going = rows.filter(({ name, revision }) => revision < (goes.get(name) ?? 0));
    for (const row of going) {
      const line = JSON.stringify(row, (_, value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value));
      lines.push(line);
      bytes += line.length;
      if (bytes > blockBytes) await write();
    }
    db.exec("begin");
    for (const { position } of going) remove.run(position);
    db.exec("commit");
    after = rows.at(-1)!.position;
  }
  await write();
  file.end();
  await finished(file);
  db.exec("pragma incremental_vacuum");
  db.close();
}

function sampled() {
  const samples: number[] = [];
  const timer = setInterval(() => samples.push(process.memoryUsage.rss()), sampleEveryMs);
  return {
    growth(): string | null {
      clearInterval(timer);
      const quarter = Math.floor(samples.length / 4);
      const average = (some: readonly number[]) => some.reduce((sum, one) => sum + one, 0) / some.length / 1e6;
      const [before, last] = [average(samples.slice(-2 * quarter, -quarter)), average(samples.slice(-quarter))];
      return last > before * (1 + growthAllowed) ? `memory grew from ${before.toFixed()} MB in the third quarter to ${last.toFixed()} MB in the last` : null;
    },
  };
}

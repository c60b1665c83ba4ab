import { type CensusReport, type CensusRow, makeCensus, type StepNeed } from "../../catalog/census.ts";
import { exit } from "../exit.ts";
import { type Column, countText, type PrintOptions, table } from "../print.ts";
import { requireSubject, type SchemaFlags } from "../schema-files.ts";
import type { Terminal } from "../terminal.ts";
import { archivesFor } from "../walk-archives.ts";
import { type Walk, walkLog } from "../walk-log.ts";

export interface CensusFlags extends SchemaFlags, Omit<PrintOptions, "quiet"> {
  readonly quiet?: boolean;
  readonly log: string;
  readonly archive?: readonly string[];
}

/** @returns the exit code. */
export async function takeCensus({ output, quiet = false, log, archive, ...flags }: CensusFlags, terminal: Terminal): Promise<number> {
  const { catalog, config } = await requireSubject(flags);
  const census = makeCensus(catalog);
  const walk = await walkLog(log, terminal, "Counting", (event) => census.add(event), archivesFor(config, archive));
  const report = census.report();
  if (quiet) for (const { storedType, version } of report.rows) terminal.out(`${storedType}@${version}\n`);
  else if (output === "json") terminal.out(JSON.stringify(wireReport(report, walk), null, 2) + "\n");
  else if (output === "ndjson") for (const row of report.rows) terminal.out(JSON.stringify(wireRow(row)) + "\n");
  else terminal.out(reportText(report, walk, terminal.columns));
  if (walk.complete) return exit.ok;
  terminal.err("Stopped before the end of the log: these are the counts so far.\n");
  return exit.partly;
}

function wireReport(report: CensusReport, { passedOver, archived, complete }: Walk) {
  return {
    complete,
    events: report.events,
    ...(archived === null ? {} : { archived_events: archived }),
    types: report.rows.map(wireRow),
    beyond_rows: report.beyondRows,
    steps: report.steps,
    other: { own: report.own, foreign: report.foreign, passed_over: passedOver },
  };
}

function wireRow({ storedType, type, version, count, first, last, tenants, lifted, dropped, failed, newer, firstError }: CensusRow) {
  const place = ({ position, recordedAt }: CensusRow["first"]) => ({ position: String(position), recorded_at: recordedAt });
  return {
    stored_type: storedType,
    type,
    version,
    count,
    first: place(first),
    last: place(last),
    tenants: { count: tenants.count, at_least: tenants.atLeast, names: tenants.names },
    lifted,
    dropped,
    failed,
    newer,
    first_error: firstError && { position: String(firstError.position), type: firstError.type, message: firstError.message },
  };
}

const day = (iso: string): string => iso.slice(0, 10);

const columns: readonly Column<CensusRow>[] = [
  ["TYPE", ({ type, storedType }) => type ?? `${storedType} (unknown)`],
  [
    "STORED AS",
    ({ type, storedType }) => (type === null || type === storedType ? null : storedType),
    ({ type, storedType }) => [type === storedType ? null : `stored as ${storedType}`],
  ],
  ["VERSION", ({ version }) => version],
  ["EVENTS", ({ count }) => count],
  ["FIRST", ({ first }) => day(first.recordedAt)],
  ["LAST", ({ last }) => day(last.recordedAt)],
  [
    "TENANTS",
    ({ tenants }) => `${tenants.count}${tenants.atLeast ? "+" : ""}: ${tenants.names.join(", ")}${tenants.count > tenants.names.length ? ", …" : ""}`,
    () => [],
  ],
  ["TODAY", todayOf],
  [
    "FIRST ERROR",
    ({ firstError }) => firstError && `${firstError.type}: ${firstError.message} (position ${firstError.position})`,
    ({ firstError }) => [firstError && `${firstError.type}: ${firstError.message} (position ${firstError.position})`],
  ],
];

/** `read`, `12 dropped`, `3 fail`. */
function todayOf({ count, lifted, dropped, failed, newer }: CensusRow): string {
  if (lifted === count) return "read";
  const parts = [
    [lifted, "read"],
    [dropped, "dropped"],
    [failed, "FAIL"],
    [newer, "UNKNOWN"],
  ] as const;
  return parts.flatMap(([events, word]) => (events === 0 ? [] : [`${events} ${word}`])).join(", ");
}

function reportText(report: CensusReport, { passedOver, archived }: Walk, width: number | undefined): string {
  const rows = report.rows.length === 0 ? "The log holds no event of an entity.\n" : table(report.rows, columns, width);
  const others = [
    [report.beyondRows, "of further types and versions"],
    [report.own, "of Reprise itself (journals, replays)"],
    [report.foreign, "in streams of no entity"],
    [passedOver, "of other programs that cannot be decoded"],
  ] as const;
  const beside = others.flatMap(([events, what]) => (events === 0 ? [] : [`${countText(events, "event")} ${what}\n`]));
  const left = archived === null ? "" : `Of these, ${countText(archived, "event")} in archives.\n`;
  return `${rows}${left}${beside.length === 0 ? "" : `\nBeside these: ${beside.join("              ")}`}${stepsText(report.steps)}`;
}

function stepsText(steps: readonly StepNeed[]): string {
  if (steps.length === 0) return "";
  const name = ({ type, from, to }: StepNeed): string => `${type} ${from} → ${to}`;
  const idle = steps.filter(({ events }) => events === 0).map(name);
  const needed = steps.filter(({ events }) => events > 0).map((step) => `${name(step)} (${countText(step.events, "event")})`);
  return [
    "\n",
    needed.length === 0 ? "" : `Steps that stored events need: ${needed.join(", ")}\n`,
    idle.length === 0
      ? "Every step is needed.\n"
      : `Steps that nothing here needs: ${idle.join(", ")}\n  They stay while another log, a backup or a producer may still bring such events.\n`,
  ].join("");
}

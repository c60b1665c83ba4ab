import { dirname } from "node:path";
import { type Finding, findingText, rules } from "../../catalog/lock/finding.ts";
import { missingLock } from "../../catalog/lock/findings.ts";
import type { Lock } from "../../catalog/lock/lock.ts";
import { checkAll, nextLock, type Rewrite } from "../../catalog/lock/write-lock.ts";
import { type LogCheckReport, type LogFailure, makeLogCheck } from "../../catalog/log-check.ts";
import { exit, usage } from "../exit.ts";
import { countText, type PrintOptions } from "../print.ts";
import { type LoadedConfig, loadLock, loadSubject, lockFile, readRealSamples, type SchemaFlags, saveLock, shownPath } from "../schema-files.ts";
import type { Terminal } from "../terminal.ts";
import { archivesFor } from "../walk-archives.ts";
import { type Walk, walkLog } from "../walk-log.ts";

export interface LockFlags extends SchemaFlags, Omit<PrintOptions, "quiet"> {
  readonly quiet?: boolean;
  readonly log?: string;
  readonly archive?: readonly string[];
  readonly rewrite?: readonly string[];
}

/** @returns the exit code. */
export async function checkSchemas(flags: LockFlags, terminal: Terminal): Promise<number> {
  const path = lockFile(flags);
  const loaded = loadLock(path);
  const locked = loaded !== null && "format" in loaded ? loaded : null;
  const subject = await loadSubject(flags, locked);
  const findings: Finding[] = [];
  if (loaded !== null && !("format" in loaded)) findings.push(loaded);
  // A log is checked with or without a lock: the lock is for the repository, the log for a deploy.
  if (loaded === null && flags.log === undefined) findings.push(missingLock(shownPath(path)));
  if (isSubject(subject)) {
    // Without a lock that can be read there is still something to see: what does not judge by its payload alone.
    findings.push(...checkAll(locked, subject, readRealSamples(dirname(path), subject)));
  } else findings.push(...subject);
  const log = flags.log !== undefined && isSubject(subject) ? await checkLog(flags.log, flags.archive, subject, terminal) : null;
  const failed = findings.length > 0 || (log !== null && log.report.failed > 0);

  if (flags.quiet === true) {
    for (const { rule, type, version } of findings) terminal.out(`${rule}${type === null ? "" : ` ${type}`}${version === null ? "" : `@${version}`}\n`);
    for (const { position } of log?.report.failures ?? []) terminal.out(`${position}\n`);
  } else if (flags.output === "json") {
    terminal.out(
      JSON.stringify({ ok: !failed, lock: loaded === null ? null : shownPath(path), findings: findings.map(wireFinding), log: log && wireLog(log) }, null, 2) +
        "\n",
    );
  } else if (flags.output === "ndjson") {
    for (const finding of findings) terminal.out(JSON.stringify(wireFinding(finding)) + "\n");
    for (const failure of log?.report.failures ?? []) terminal.out(JSON.stringify(wireFailure(failure)) + "\n");
  } else {
    terminal.out(findings.map(findingText).join("\n"));
    if (findings.length === 0 && locked !== null) terminal.out(`As recorded in ${shownPath(path)}: ${extentOf(locked)}.\n`);
    if (log !== null) terminal.out((findings.length > 0 ? "\n" : "") + logText(log));
  }
  if (log !== null && !log.walk.complete) {
    terminal.err("Stopped before the end of the log: run it again for a verdict.\n");
    return exit.partly;
  }
  return failed ? exit.failed : exit.ok;
}

/** @returns the exit code. */
export async function lockSchemas(flags: LockFlags, terminal: Terminal): Promise<number> {
  const path = lockFile(flags);
  const loaded = loadLock(path);
  const before = loaded === null ? ({ format: 2, types: {} } as const) : "format" in loaded ? loaded : null;
  const subject = await loadSubject(flags, before);
  if (before === null || !isSubject(subject)) {
    const findings = [...(before === null ? [loaded as Finding] : []), ...(isSubject(subject) ? [] : subject)];
    tell(findings, flags, terminal);
    terminal.err("Nothing was recorded.\n");
    return exit.failed;
  }
  const rewrites = (flags.rewrite ?? []).map((text) => parseRewrite(text, before, subject));
  const next = nextLock(before, subject, readRealSamples(dirname(path), subject), rewrites);
  if (!next.ok) {
    tell(next.refused, flags, terminal);
    terminal.err("Nothing was recorded: what was published is rewritten only where --rewrite says so.\n");
    return exit.refused;
  }
  const saved = saveLock(path, next.lock);
  const reply = { lock: shownPath(path), written: saved, recorded: next.written.map(wireFinding), notes: next.notes };
  if (flags.quiet === true) terminal.out(saved ? `${shownPath(path)}\n` : "");
  else if (flags.output !== "table") terminal.out(JSON.stringify(reply, null, flags.output === "json" ? 2 : 0) + "\n");
  else {
    terminal.out(
      saved ? `Recorded in ${shownPath(path)}: ${extentOf(next.lock)}. Commit it.\n` : `Nothing new: ${shownPath(path)} has ${extentOf(next.lock)}.\n`,
    );
    for (const { type, details, rule, version } of next.written)
      terminal.out(`  ${type}${version === null ? "" : ` version ${version}`}: ${rule === "not-locked" ? details.join(", ") : rule}\n`);
    for (const note of next.notes) terminal.err(`Note: ${note}\n`);
  }
  return exit.ok;
}

function isSubject(subject: LoadedConfig | readonly Finding[]): subject is LoadedConfig {
  return "catalog" in subject;
}

function parseRewrite(text: string, { types }: Lock, subject: LoadedConfig): Rewrite {
  const [, type = "", version] = /^([^@]+)(?:@([1-9]\d*))?$/.exec(text) ?? [];
  if (types[type] === undefined && subject.catalog.resolve(type) !== type)
    throw usage(`--rewrite is ${JSON.stringify(text)}: write <event type>@<version> or <event type>, of a type that the lock or the config has.`);
  return { type, version: version === undefined ? null : Number(version) };
}

function tell(findings: readonly Finding[], { output, quiet = false }: LockFlags, terminal: Terminal): void {
  if (quiet || output === "table") terminal.out(findings.map(findingText).join("\n"));
  else if (output === "json") terminal.out(JSON.stringify({ ok: false, findings: findings.map(wireFinding) }, null, 2) + "\n");
  else for (const finding of findings) terminal.out(JSON.stringify(wireFinding(finding)) + "\n");
}

function wireFinding({ rule, type, version, message, details, remedy }: Finding) {
  return { rule, rule_text: rules[rule], type, version, message, details, remedy };
}

/** `7 event types, 11 versions, 4 steps, 52 samples`. */
function extentOf({ types }: Lock): string {
  const versions = Object.values(types).flatMap((type) => Object.values(type.versions));
  const samples = versions.reduce((sum, version) => sum + Object.keys(version.samples).length, 0);
  const steps = versions.filter(({ step }) => step !== null).length;
  return [
    countText(Object.keys(types).length, "event type"),
    countText(versions.length, "version"),
    countText(steps, "step"),
    countText(samples, "sample"),
  ].join(", ");
}

interface CheckedLog {
  readonly report: LogCheckReport;
  readonly walk: Walk;
}

async function checkLog(url: string, archive: readonly string[] | undefined, { catalog, config }: LoadedConfig, terminal: Terminal): Promise<CheckedLog> {
  const checked = makeLogCheck(catalog);
  const walk = await walkLog(url, terminal, "Checking", (event) => checked.add(event), archivesFor(config, archive));
  return { report: checked.report(), walk };
}

function wireLog({ report, walk }: CheckedLog) {
  return {
    complete: walk.complete,
    events: report.events,
    ...(walk.archived === null ? {} : { archived_events: walk.archived }),
    passed_over: walk.passedOver,
    failed: report.failed,
    failures: report.failures.map(wireFailure),
    kinds: report.kinds.map(({ count, first }) => ({ count, first: wireFailure(first) })),
    beyond_kinds: report.beyondKinds,
  };
}

function wireFailure({ position, id, stream, revision, eventType, version, type, message }: LogFailure) {
  return { position: String(position), id, stream, revision, type: eventType, version, error: { type, message } };
}

const shownFailures = 20;

function logText({ report, walk }: CheckedLog): string {
  const passed = walk.passedOver === 0 ? "" : ` ${countText(walk.passedOver, "event")} of other programs could not be decoded, and were passed over.`;
  if (report.failed === 0) return `Every event of the log can be read by this code: ${report.events} lifted and valid.${passed}\n`;
  const kinds = report.kinds.map(
    ({ count, first }) =>
      `  ${countText(count, "event")} of ${first.eventType} version ${first.version}: ${first.type}: ${first.message}\n    first at position ${first.position}, ${first.stream} revision ${first.revision}, id ${first.id}\n`,
  );
  const positions = report.failures.slice(0, shownFailures).map(({ position }) => String(position));
  const more = report.failed > positions.length ? ` … (${report.failed} in all; -o json has the first ${report.failures.length})` : "";
  return [
    `log: ${report.failed} of ${countText(report.events, "event")} cannot be read by this code.${passed}\n`,
    ...kinds,
    ...(report.beyondKinds > 0 ? [`  and ${report.beyondKinds} events that fail otherwise\n`] : []),
    `  positions: ${positions.join(" ")}${more}\n`,
    "  → Do not deploy this: each of them would become a dead letter, or block its lane. Correct the step or the schema that is named; what is unknown to this build needs the build that knows it.\n",
  ].join("");
}

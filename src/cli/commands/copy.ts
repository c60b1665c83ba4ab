import { statSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { isRepriseError } from "../../errors.ts";
import { isTenant } from "../../event/names.ts";
import type { CopyProgress, CopyReport } from "../../log/copy/copy-options.ts";
import { CopyRefused } from "../../log/copy/copy-options.ts";
import type { EventLog } from "../../log/event-log.ts";
import { folderOf } from "../../log/log-url.ts";
import type { World } from "../command.ts";
import { exit, Failure, usage } from "../exit.ts";
import { hearStop } from "../hear-stop.ts";
import { mustNameLog, withLogPassword } from "../named-log.ts";
import { fields, type PrintOptions, printOne } from "../print.ts";
import type { Terminal } from "../terminal.ts";

interface CopyFlags extends Omit<PrintOptions, "quiet"> {
  readonly from: string;
  readonly to: string;
  readonly tenant?: string;
  readonly verify?: boolean;
  readonly quiet?: boolean;
}

export function addCopy(program: Command, world: World): void {
  program
    .command("copy")
    .description("copy a log into another one, in order and with its ids and revisions; run it again to go on")
    .requiredOption("--from <log>", "source: sqlite:<folder> or esdb://…; nothing may write to it meanwhile")
    .requiredOption("--to <log>", "target: a new log, or what an earlier run left")
    .option("--tenant <name>", "only this tenant")
    .option("--verify", "then read both again, and compare every stream")
    .action(async (_flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<CopyFlags>();
      checkFlags(flags);
      const stopped = hearStop("kills");
      try {
        const [from, to] = (["from", "to"] as const).map((flag) => withLogPassword(mustNameLog(flags[flag], `--${flag}`), world.env)) as [string, string];
        world.exitCode = await copy({ ...flags, from, to }, world.terminal, stopped.signal);
      } finally {
        stopped.forget();
      }
    });
}

function checkFlags({ from, tenant }: CopyFlags): void {
  if (tenant !== undefined && !isTenant(tenant)) throw usage(`--tenant is ${JSON.stringify(tenant)}: it must be a tenant's name, lower case, such as default.`);
  const folder = folderOf(from);
  if (folder !== undefined && statSync(join(folder, "log.db"), { throwIfNoEntry: false }) === undefined)
    throw usage(`--from is ${JSON.stringify(from)}: there is no log in that folder.`);
}

async function copy({ from, to, tenant, verify = false, output, quiet = false }: CopyFlags, terminal: Terminal, signal: AbortSignal): Promise<number> {
  // Loaded here, so that the commands that only talk to a service start fast.
  const [{ openLog }, { copyLog }] = await Promise.all([import("../../log/open-log.ts"), import("../../log/copy/copy.ts")]);
  const logs: EventLog[] = [];
  const open = async (url: string, create: boolean): Promise<EventLog> => {
    const log = await openLog(url, { create });
    logs.push(log);
    return log;
  };
  const progress = showProgress(terminal);
  try {
    const source = await open(from, false);
    const target = await open(to, true);
    const together = folderOf(to) !== undefined;
    const report = await copyLog({ source, target, ...(tenant === undefined ? {} : { tenant }), together, verify, signal, onProgress: progress.show });
    progress.end();
    return tell(report, { terminal, options: { output, quiet }, source: source.logId, target: target.logId });
  } catch (error) {
    progress.end();
    if (error instanceof CopyRefused) throw new Failure(exit.refused, `Nothing more is copied.\n${error.message}`);
    if (!isRepriseError(error)) throw error;
    const goOn = error.kind === "unavailable" ? "\nWhat is copied stays: run the same command again, and it goes on." : "";
    throw new Failure(exitOf(error.kind), `The copy failed (${error.code}).\n${error.message}\n${error.remedy}${goOn}`, {
      code: error.code,
      message: error.message,
    });
  } finally {
    for (const log of logs) await log.close();
  }
}

function exitOf(kind: string): 1 | 2 | 5 {
  if (kind === "unavailable") return exit.unreachable;
  return kind === "config" ? exit.usage : exit.failed;
}

function tell(
  { copied, present, passedOver, verified, complete }: CopyReport,
  { terminal, options, source, target }: { terminal: Terminal; options: PrintOptions; source: string; target: string },
): number {
  const differing = verified?.differing ?? { streams: [], total: 0 };
  const reply = {
    source_log_id: source,
    target_log_id: target,
    complete,
    copied,
    present,
    passed_over: passedOver,
    verified: verified && {
      streams: verified.streams,
      events: verified.events,
      digest: verified.digest,
      differing: differing.streams,
      differing_total: differing.total,
    },
  };
  printOne(terminal, options, reply, target, () =>
    fields([
      ["copied", copied],
      ["there before", present],
      ["passed over", passedOver],
      ["verified", verified && `${verified.events} events in ${verified.streams} streams, sha256 ${verified.digest}`],
    ]),
  );
  if (!complete) terminal.err("Stopped before the end: run the same command again, and it goes on.\n");
  if (differing.total > 0) {
    const more = differing.total > differing.streams.length ? `\n  and ${differing.total - differing.streams.length} more` : "";
    terminal.err(`${differing.total} streams differ:\n${differing.streams.map((stream) => `  ${stream}\n`).join("")}`.trimEnd() + more + "\n");
    return exit.failed;
  }
  return complete ? exit.ok : exit.partly;
}

const barWidth = 30;
const titles = { checking: "Checking", copying: "Copying", verifying: "Verifying" } as const;

/** A bar where someone watches; elsewhere a line for each tenth. */
function showProgress(terminal: Terminal): { show(progress: CopyProgress): void; end(): void } {
  let drawn = false;
  let told = "";
  return {
    show({ phase, events, total }) {
      if (terminal.interactive) {
        const share = total === null ? null : events / total;
        const bar = share === null ? "" : `[${"#".repeat(Math.round(share * barWidth)).padEnd(barWidth, ".")}] ${Math.floor(share * 100)} % `;
        terminal.err(`\r${titles[phase].padEnd(9)} ${bar}${events} events\u001b[K`);
        drawn = true;
        return;
      }
      if (total === null) return;
      const tenth = `${phase} ${Math.floor((events * 10) / total)}`;
      if (tenth === told) return;
      told = tenth;
      terminal.err(`${titles[phase]}: ${events} of ${total} events\n`);
    },
    end() {
      if (drawn) terminal.err("\n");
      drawn = false;
    },
  };
}

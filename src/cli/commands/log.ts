import type { Command } from "commander";
import { isRepriseError } from "../../errors.ts";
import type { LogCheck } from "../../log/check-log.ts";
import type { World } from "../command.ts";
import { exit, fromReprise } from "../exit.ts";
import { hearStop } from "../hear-stop.ts";
import { namedLog } from "../named-log.ts";
import { countText, type PrintOptions } from "../print.ts";
import type { Terminal } from "../terminal.ts";
import { makeBar } from "../walk-log.ts";
import { addLogUser } from "./log-user.ts";

interface CheckFlags extends Omit<PrintOptions, "quiet"> {
  readonly log?: string;
  readonly quiet?: boolean;
}

/** `log check | user`. */
export function addLog(program: Command, world: World): void {
  const log = program.command("log").description("the log itself, without a service");
  addLogUser(log, world);
  log
    .command("check")
    .description("read all of a log and name each damaged place; changes nothing")
    .option("--log <log>", "sqlite:<folder> or esdb://…; it may be in use (REPRISE_LOG, default: sqlite:./data)")
    .addHelpText("after", "\nExit 0: nothing is damaged. Exit 1: the places are listed.")
    .action(async (_flags: unknown, command: Command) => {
      const { log: given, output, quiet = false } = command.optsWithGlobals<CheckFlags>();
      const stopped = hearStop("kills");
      const bar = makeBar(world.terminal, "Checking");
      try {
        // Loaded here, so that the commands that only talk to a service start fast.
        const { checkLog } = await import("../../log/open-log.ts");
        const checked = await checkLog(namedLog(given, world.env), { onProgress: bar.draw, signal: stopped.signal });
        bar.end();
        tell(checked, world.terminal, { output, quiet });
        if (checked.findingsTotal > 0) world.exitCode = exit.failed;
        else if (stopped.signal.aborted) world.exitCode = exit.partly;
        if (stopped.signal.aborted) world.terminal.err("Stopped before the end of the log.\n");
      } catch (error) {
        if (!isRepriseError(error)) throw error;
        throw fromReprise(error, "The log could not be read");
      } finally {
        bar.end();
        stopped.forget();
      }
    });
}

function tell({ events, findings, findingsTotal, notChecked }: LogCheck, terminal: Terminal, { output, quiet }: PrintOptions): void {
  if (output === "json") {
    terminal.out(JSON.stringify({ events, findings, findings_total: findingsTotal, not_checked: notChecked }, null, 2) + "\n");
    return;
  }
  if (output === "ndjson") {
    for (const finding of findings) terminal.out(JSON.stringify(finding) + "\n");
    return;
  }
  for (const { place, problem } of findings) terminal.out(quiet ? `${place}\n` : `${place}: ${problem}\n`);
  if (quiet) return;
  if (findingsTotal > findings.length) terminal.out(`… and ${findingsTotal - findings.length} more\n`);
  for (const what of notChecked) terminal.out(`Not checked: ${what}.\n`);
  terminal.out(
    findingsTotal === 0
      ? `Nothing is damaged: ${countText(events, "event")} read.\n`
      : `${countText(findingsTotal, "damaged place")}, ${countText(events, "event")} read.\n`,
  );
}

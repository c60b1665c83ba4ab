import { resolve } from "node:path";
import type { Command } from "commander";
import { isRepriseError } from "../../errors.ts";
import { folderOf } from "../../log/log-url.ts";
import type { World } from "../command.ts";
import { exit, Failure, fromReprise, usage } from "../exit.ts";
import { hearStop } from "../hear-stop.ts";
import { namedLog } from "../named-log.ts";
import { countText, fields, type PrintOptions, printOne } from "../print.ts";
import { makeBar } from "../walk-log.ts";

interface BackupFlags extends Omit<PrintOptions, "quiet"> {
  readonly to: string;
  readonly log?: string;
  readonly quiet?: boolean;
}

export function addBackup(program: Command, world: World): void {
  program
    .command("backup")
    .description("copy an embedded log as it is now into a new folder, read it back, and say so; the service may run")
    .requiredOption("--to <folder>", "a folder that is not there yet, or is empty")
    .option("--log <log>", "sqlite:<folder> (REPRISE_LOG, default: sqlite:./data)")
    .addHelpText(
      "after",
      "\nTo go on from a backup: reprise serve --log sqlite:<a copy of the folder>\nExit 0: done and read back. Exit 3: done, but the log itself is damaged; or stopped by Ctrl-C.",
    )
    .action(async (_flags: unknown, command: Command) => {
      const { to, log: given, output, quiet = false } = command.optsWithGlobals<BackupFlags>();
      const log = namedLog(given, world.env);
      const { terminal } = world;
      if (folderOf(log) === undefined)
        throw usage(
          "Only an embedded log (sqlite:<folder>) is backed up so. A server has its own backup; `reprise copy --from <server> --to sqlite:<folder>` makes an embedded log of it.",
        );
      const stopped = hearStop("waits"); // however often: what was copied goes first
      const bar = makeBar(terminal, "Reading back");
      const { backupLog } = await import("../../log/open-log.ts");
      try {
        const { logId, bytes, lastPosition, check, unfinished } = await backupLog(log, resolve(to), { onProgress: bar.draw, signal: stopped.signal });
        bar.end();
        const report = {
          ...{ folder: resolve(to), log_id: logId, events: check.events, last_position: String(lastPosition), bytes },
          ...{ damaged_places: check.findingsTotal, findings: check.findings, unfinished },
        };
        printOne(terminal, { output, quiet }, report, report.folder, () =>
          fields([
            ["folder", report.folder],
            ["log", logId],
            ["events", `${check.events}, up to position ${lastPosition}`],
            ["bytes", String(bytes)],
            ["read back", check.findingsTotal === 0 ? "nothing is damaged" : countText(check.findingsTotal, "damaged place")],
          ]),
        );
        for (const other of unfinished)
          terminal.err(`Another backup in ${other} was cut off, or is still being made. If it was cut off, remove that folder.\n`);
        if (check.findingsTotal === 0) return;
        terminal.err("The log itself is damaged, and so is this copy of it: keep an older backup, too. `reprise log check` names the places.\n");
        world.exitCode = exit.partly;
      } catch (error) {
        if (stopped.signal.aborted) throw new Failure(exit.partly, "Stopped before the end: nothing of the backup is left.");
        if (!isRepriseError(error)) throw error;
        throw fromReprise(error, "The backup could not be made");
      } finally {
        bar.end();
        stopped.forget();
      }
    });
}

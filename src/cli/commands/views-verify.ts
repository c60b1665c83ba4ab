import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { isRepriseError } from "../../errors.ts";
import { folderOf } from "../../log/log-url.ts";
import type { ViewsDifference, ViewsVerified } from "../../views/verify/verify-views.ts";
import type { World } from "../command.ts";
import { type ExitCode, exit, Failure, fromReprise } from "../exit.ts";
import { hearStop } from "../hear-stop.ts";
import { namedLog } from "../named-log.ts";
import { type Column, countText, type PrintOptions, table } from "../print.ts";
import type { Terminal } from "../terminal.ts";
import { makeBar } from "../walk-log.ts";

interface Flags extends Omit<PrintOptions, "quiet"> {
  readonly log?: string;
  readonly data?: string;
  readonly quiet?: boolean;
}

const remedy = "To compute them anew: reprise views rebuild";

/** `views verify`: without a service, or beside one. */
export function addViewsVerify(views: Command, world: World): void {
  views
    .command("verify")
    .description("compute all rows from the log into a temporary folder, and hold the views against them; changes nothing")
    .option("--log <log>", "sqlite:<folder> or esdb://…; it may be in use (REPRISE_LOG, default: sqlite:./data)")
    .option("--data <folder>", "folder of the views (REPRISE_DATA, default: ./data, else that of an embedded log)")
    .addHelpText(
      "after",
      "\nThe temporary folder (TMPDIR) needs room for the views twice.\nExit 0: they say the same. Exit 1: the rows that differ are listed. Exit 4: the views cannot be judged now.",
    )
    .action(async (_flags: unknown, command: Command) => {
      const { log: given, data, output, quiet = false } = command.optsWithGlobals<Flags>();
      const { terminal, env, cwd = process.cwd() } = world;
      const log = namedLog(given, env);
      const stopped = hearStop("waits"); // however often: the folder goes first
      const bar = makeBar(terminal, "Computing");
      // Loaded here, so that the commands that only talk to a service start fast.
      const [{ openLogReadOnly }, verify] = await Promise.all([import("../../log/open-log.ts"), import("../../views/verify/verify-views.ts")]);
      try {
        const file = fileOfViews(cwd, log, data || env.REPRISE_DATA);
        const verified = await verify.verifyViews({ file, openLog: () => openLogReadOnly(log), onProgress: bar.draw, signal: stopped.signal });
        bar.end();
        tell(verified, terminal, { output, quiet });
        if (verified.differencesTotal > 0) world.exitCode = exit.failed;
      } catch (error) {
        if (stopped.signal.aborted) throw new Failure(exit.partly, "Stopped before the end: nothing is known of the views.");
        if (isRepriseError(error)) throw fromReprise(error, "The log could not be read");
        if (error instanceof verify.ViewsNotJudged) throw failure(exit.refused, error.message, error.remedy);
        if (error instanceof verify.ViewsDamaged) throw failure(exit.failed, `The views are damaged: ${error.message}`, remedy);
        throw error;
      } finally {
        bar.end();
        stopped.forget();
      }
    });
}

const failure = (code: ExitCode, message: string, remedy: string): Failure => new Failure(code, `${message}\n${remedy}`, { message, remedy });

/** Where `serve` has them by its settings; a store that code opened has them beside its log. */
function fileOfViews(cwd: string, log: string, data: string | undefined): string {
  const standard = resolve(cwd, data ?? "./data", "views.db");
  const beside = folderOf(log);
  return data === undefined && beside !== undefined && !existsSync(standard) ? resolve(cwd, beside, "views.db") : standard;
}

const columns: readonly Column<ViewsDifference>[] = [
  ["TABLE", (row) => row.table],
  ["ROW", ({ key }) => Object.values(key).join(" ")],
  ["IS", ({ what }) => what.replace("_", " ")],
  ["COLUMNS", ({ columns }) => columns.join(", ")],
];

function tell({ position, compared, differences, differencesTotal }: ViewsVerified, terminal: Terminal, { output, quiet }: PrintOptions): void {
  const ok = differencesTotal === 0;
  if (output === "json") terminal.out(JSON.stringify({ ok, position, compared, differences, differences_total: differencesTotal }, null, 2) + "\n");
  else if (output === "ndjson") for (const difference of differences) terminal.out(JSON.stringify(difference) + "\n");
  else if (quiet) for (const { table, key } of differences) terminal.out(`${table} ${Object.values(key).join(" ")}\n`);
  else {
    const rows = Object.entries(compared).filter(([, count]) => count > 0);
    terminal.out(
      table(
        rows,
        [
          ["TABLE", ([name]) => name],
          ["ROWS", ([, count]) => count],
        ],
        terminal.columns,
      ),
    );
    if (!ok) terminal.out(`\n${table(differences, columns, terminal.columns)}`);
    if (differencesTotal > differences.length) terminal.out(`… and ${differencesTotal - differences.length} more\n`);
    const all = rows.reduce((sum, [, count]) => sum + count, 0);
    terminal.out(
      ok
        ? `The views say what the log says, up to position ${position}: ${countText(all, "row")} compared.\n`
        : `${countText(differencesTotal, "row")} of the views ${differencesTotal === 1 ? "differs" : "differ"} from what the log says up to position ${position}.\n`,
    );
  }
  if (!ok) terminal.err(`${remedy}\n`);
}

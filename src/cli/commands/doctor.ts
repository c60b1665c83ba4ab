import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { systemClock } from "../../event/clock.ts";
import { folderOf } from "../../log/log-url.ts";
import { openSession, type World } from "../command.ts";
import type { Checked } from "../doctor/finding.ts";
import { exit } from "../exit.ts";
import { standardLog, withLogPassword } from "../named-log.ts";
import { type PrintOptions, printList } from "../print.ts";
import { standardConfig } from "../serve-settings.ts";

interface Flags extends Omit<PrintOptions, "quiet"> {
  readonly quiet?: boolean;
  readonly config?: string;
  readonly log?: string;
  readonly data?: string;
  readonly apiKeys?: string;
}

/** `doctor`: looks at all that a service needs, before it starts or beside it. Changes nothing. */
export function addDoctor(program: Command, world: World): void {
  program
    .command("doctor")
    .description("look at all that a service needs: config, keys, log, disk, clock, views; changes nothing")
    .option("--config <file>", `config file (default: ${standardConfig})`)
    .option("--log <log>", "sqlite:<folder> or esdb://…; it may be in use (REPRISE_LOG, default: sqlite:./data)")
    .option("--data <folder>", "folder of views and local files (REPRISE_DATA, default: ./data)")
    .option("--api-keys <file>", "the key file (REPRISE_API_KEYS)")
    .addHelpText("after", "\nExit 0: nothing failed. Exit 1: something did; each line says what to do.")
    .action(async (_flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<Flags>();
      const rows = await lookAtAll(flags, command, world);
      const worst = rows.some(({ state }) => state === "failed");
      printList(
        world.terminal,
        { output: flags.output, quiet: flags.quiet ?? false },
        {
          reply: { ok: !worst, checks: rows },
          rows: flags.quiet ? rows.filter(({ state }) => state === "failed") : rows,
          columns: [
            ["check", ({ check }) => check],
            ["state", ({ state }) => state],
            ["found", ({ detail }) => detail, ({ detail, fix }) => [detail, fix]],
            ["do", ({ fix }) => fix, () => []],
          ],
          id: ({ check }) => check,
          empty: "",
        },
      );
      if (worst) world.exitCode = exit.failed;
    });
}

async function lookAtAll(flags: Flags, command: Command, world: World): Promise<readonly Checked[]> {
  const [{ checkConfigFile, checkKeys }, { checkDisk }, { checkLogThere }, { checkService }] = await Promise.all([
    import("../doctor/config.ts"),
    import("../doctor/disk.ts"),
    import("../doctor/log.ts"),
    import("../doctor/service.ts"),
  ]);
  const { env } = world;
  const log = withLogPassword(flags.log || env.REPRISE_LOG || standardLog, env);
  const folder = resolve(folderOf(log) ?? (flags.data || env.REPRISE_DATA || "./data"));
  const { client, url } = openSession(command, world);
  return [
    ...(await checkConfigFile(flags.config || standardConfig)),
    checkKeys(flags.apiKeys || env.REPRISE_API_KEYS, systemClock.now()),
    ...(await checkLogThere(log, systemClock.now)),
    ...checkDisk(nearest(folder), systemClock.monotonicMs),
    ...(await checkService(client, url)),
  ];
}

/** The folder, or the nearest one above it: a service that never ran has made none. */
function nearest(folder: string): string {
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true ? folder : nearest(resolve(folder, ".."));
}

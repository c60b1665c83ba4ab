import type { Command } from "commander";
import type { World } from "../command.ts";
import { mustNameLog, namedLog, withLogPassword } from "../named-log.ts";
import type { CensusFlags } from "./schema-census.ts";
import type { LockFlags } from "./schema-lock.ts";
import type { ShowFlags } from "./schema-show.ts";

/** `schema check | lock | census | show | diff`: work on files and logs, not on a service. What they do is loaded when they run. */
export function addSchema(program: Command, world: World): void {
  const { terminal, env } = world;
  const schema = program.command("schema").description("event types and their versions: check, record, count, show, compare");
  const add = (name: string, description: string): Command =>
    schema.command(name).description(description).option("--config <file>", "config file (default: ./reprise.config.ts)");
  const lockOption = ["--lock <file>", "lock file (default: schemas/lock.json beside the config)"] as const;

  const archiveOption = ["--archive <url...>", "with the log: also its archive there, beside those that the config names"] as const;

  add("check", "hold event types, versions and steps against what was published (schemas/lock.json)")
    .option(...lockOption)
    .option("--log <log>", "also lift and validate every event of this log, sqlite:<folder> or esdb://…; it may be in use")
    .option(...archiveOption)
    .action(async (_flags: unknown, command: Command) => {
      const { checkSchemas } = await import("./schema-lock.ts");
      const flags = command.optsWithGlobals<LockFlags>();
      world.exitCode = await checkSchemas(
        { ...flags, ...(flags.log === undefined ? {} : { log: withLogPassword(mustNameLog(flags.log, "--log"), env) }) },
        terminal,
      );
    });
  add("lock", "record new versions, steps and samples in the lock file")
    .option(...lockOption)
    .option("--rewrite <type@version>", "record this version anew, with the step away from it, though it was published; may be repeated", collect)
    .action(async (_flags: unknown, command: Command) => {
      const { lockSchemas } = await import("./schema-lock.ts");
      world.exitCode = await lockSchemas(command.optsWithGlobals<LockFlags>(), terminal);
    });
  add("census", "count what a log holds, by event type and version, and which steps nothing needs any more; changes nothing")
    .option("--log <log>", "sqlite:<folder> or esdb://…; it may be in use (REPRISE_LOG, default: sqlite:./data)")
    .option(...archiveOption)
    .action(async (_flags: unknown, command: Command) => {
      const { takeCensus } = await import("./schema-census.ts");
      const flags = command.optsWithGlobals<CensusFlags>();
      world.exitCode = await takeCensus({ ...flags, log: namedLog(flags.log, env) }, terminal);
    });
  add("show", "list event types, or print one version as JSON Schema 2020-12")
    .argument("[type]", "event type, or a former name of it")
    .argument("[version]", "default: the current one")
    .action(async (type: string | undefined, version: string | undefined, _flags: unknown, command: Command) => {
      const { showSchema } = await import("./schema-show.ts");
      await showSchema(type, version, command.optsWithGlobals<ShowFlags>(), terminal);
    });
  add("diff", "name each difference between two versions, and whether payloads of the first are valid as the second")
    .argument("<type>", "event type, or a former name of it")
    .argument("<from>", "version")
    .argument("<to>", "version")
    .action(async (type: string, from: string, to: string, _flags: unknown, command: Command) => {
      const { showDiff } = await import("./schema-show.ts");
      await showDiff(type, from, to, command.optsWithGlobals<ShowFlags>(), terminal);
    });
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

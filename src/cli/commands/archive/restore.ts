import type { Command } from "commander";
import type { RestoreReply } from "../../../http/wire/archive.ts";
import { openSession, parseEntity, type World } from "../../command.ts";
import { usage } from "../../exit.ts";
import { namedLog } from "../../named-log.ts";
import { fields, type PrintOptions, printOne } from "../../print.ts";
import { eachPlace, type PlaceFlags, working } from "./places.ts";

interface RestoreFlags extends Omit<PrintOptions, "quiet">, PlaceFlags {
  readonly quiet?: boolean;
  readonly log?: string;
  readonly of?: string;
  readonly all?: boolean;
  readonly reason?: string;
  readonly tenant?: string;
}

export function addArchiveRestore(archive: Command, world: World): void {
  archive
    .command("restore")
    .argument("[what]", "an entity (order/o-1), or the name of a segment")
    .description("bring archived events back, under their own ids and revisions; nothing is delivered")
    .option("--all", "with --log: every segment, in place of one")
    .option("--log <log>", "work on this log without a service: sqlite:<folder> or esdb://…; a new one is made")
    .option("--archive <url...>", "with --log: file:<folder> or s3://<bucket>/<prefix>; default: those of the config")
    .option("--config <file>", "with --log: the config whose archives are meant")
    .option("--of <log id>", "with --log: the log whose archive it is; default: this log, or the only one that has an archive there")
    .option("--tenant <name>", "of an entity")
    .option("--reason <text>", "why, for the record")
    .addHelpText(
      "after",
      "\nA log that no handler has ever worked on gets the events in their own streams. In any other they stand beside them, and reads show them in their places.",
    )
    .action(async (what: string | undefined, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<RestoreFlags>();
      if ((what === undefined) === (flags.all !== true)) throw usage("Name an entity (order/o-1) or a segment, or say --all with --log.");
      if (flags.all === true && flags.log === undefined) throw usage("--all goes with --log: a running service restores one segment at a time.");
      const wanted = what === undefined ? "all" : what.includes("/") ? { entity: parseEntity(what) } : { segment: what };
      const reply =
        flags.log === undefined ? await inService(wanted as { segment: string }, flags, command, world) : await working(() => alone(wanted, flags, world));
      printOne(world.terminal, { output: flags.output, quiet: flags.quiet ?? false }, reply, reply.position, () =>
        fields([
          ["how", reply.how === "in_place" ? "in their own streams" : "beside their streams"],
          ["streams", reply.streams],
          ["events", reply.events],
          ["there before", reply.present],
        ]),
      );
    });
}

type Wanted = "all" | { readonly entity: { readonly type: string; readonly id: string } } | { readonly segment: string };

async function inService(wanted: Exclude<Wanted, "all">, { reason }: RestoreFlags, command: Command, world: World): Promise<RestoreReply> {
  const { client } = openSession(command, world);
  return (await client.post<RestoreReply>("/archive/restores", { body: { ...wanted, ...(reason === undefined ? {} : { reason }) } })).reply;
}

async function alone(wanted: Wanted, flags: RestoreFlags, { env, namespace, ...world }: World): Promise<RestoreReply> {
  const [{ openLog }, { restore }, { archiveAt }, { logsIn }, { streamName, defaultTenant, localActor }, { newId }] = await Promise.all([
    import("../../../log/open-log.ts"),
    import("../../../retention/archive/restore.ts"),
    import("../../../retention/archive/open-archive.ts"),
    import("../../../retention/archive/logs-in.ts"),
    import("../../../event/names.ts"),
    import("../../../event/ids.ts"),
  ]);
  const what = wanted === "all" || "segment" in wanted ? wanted : { stream: streamName(flags.tenant ?? defaultTenant, wanted.entity) };
  const log = await openLog(namedLog(flags.log, env), namespace === undefined ? {} : { namespace });
  const sum = { how: "in_place" as RestoreReply["how"], streams: 0, events: 0, present: 0, position: "0" };
  try {
    await eachPlace(flags, { env, ...world }, async (place) => {
      const source = flags.of ?? sourceOf(await logsIn(place), log.logId, place.url);
      const act = { actor: localActor, reason: flags.reason ?? null };
      const done = await restore({ log, archive: archiveAt(place, source), newId, act }, what);
      Object.assign(sum, { how: done.how, position: String(done.position) });
      for (const count of ["streams", "events", "present"] as const) sum[count] += done[count];
    });
  } finally {
    await log.close();
  }
  return sum;
}

/** Whose archive is meant, when nobody says it. */
function sourceOf(logs: readonly string[], own: string, url: string): string {
  if (logs.includes(own)) return own;
  if (logs.length === 1) return logs[0]!;
  throw usage(logs.length === 0 ? `No log has an archive at ${url}.` : `Several logs have an archive at ${url}: name one with --of: ${logs.join(", ")}.`);
}

import { type Command, Option } from "commander";
import { isRepriseError, type RepriseError } from "../../../errors.ts";
import { systemClock } from "../../../event/clock.ts";
import { pause } from "../../../event/waits.ts";
import { type ArchiveRunReply, toArchiveRunReply } from "../../../http/wire/archive-runs.ts";
import { at } from "../../client.ts";
import { openSession, type Session, type World } from "../../command.ts";
import { exit, fromReprise } from "../../exit.ts";
import { hearStop } from "../../hear-stop.ts";
import { patiently } from "../../patiently.ts";
import { countText, printOne, tableSection } from "../../print.ts";
import { standardConfig } from "../../serve-settings.ts";

interface Flags {
  readonly dryRun?: boolean;
  readonly reason?: string;
  readonly log?: string;
  readonly config: string;
}

const firstLookMs = 50;
const lookEveryMs = 1000;

export function addArchiveRun(archive: Command, world: World): void {
  archive
    .command("run")
    .description("archive what the config's retention lets go, and remove it from the log; through the service, or on a log without one")
    .option("--dry-run", "change nothing: say what would go, and what is held back by what")
    .option("--reason <text>", "why, for the record")
    .option("--log <log>", "work on this log without a service: sqlite:<folder> or esdb://…")
    .addOption(new Option("--config <file>", "with --log: the config that says what may go").default(standardConfig))
    .addHelpText("after", "\nExit 0: it came to its end. Exit 1: it did not, and the next run goes on there.")
    .action(async (flags: Flags, command: Command) => {
      const session = openSession(command, world);
      const run = flags.log === undefined ? await runInService(session, flags) : await runAlone(flags, world);
      printOne(session.terminal, session, run, run.id, (width) => textOf(run, width));
      if (run.state !== "completed") world.exitCode = exit.failed;
    });
}

async function runInService(session: Session, { dryRun = false, reason }: Flags): Promise<ArchiveRunReply> {
  const { client } = session;
  let { reply: run } = await client.post<ArchiveRunReply>("/archive/runs", { body: { dry_run: dryRun, ...(reason === undefined ? {} : { reason }) } });
  const { id } = run;
  const look = patiently(session, {
    ask: () => client.get<ArchiveRunReply>(at`/archive/runs/${id}`),
    isKnown: true,
    meanwhile: "A run that was cut off is gone on with by the next one.",
    later: "The next run goes on where this one was: reprise archive run",
    passing: ["NOT_FOUND"], // another instance may not have its first record yet
  });
  for (let waitMs = firstLookMs; run.state === "running"; waitMs = Math.min(lookEveryMs, 2 * waitMs)) {
    await pause(waitMs, systemClock);
    run = (await look()) ?? run;
  }
  return run;
}

/** Nobody works beside it, so it goes as fast as it can. SIGINT ends it between two steps. */
async function runAlone({ dryRun = false, reason, log, config }: Flags, { env, namespace }: World): Promise<ArchiveRunReply> {
  // Loaded here, so that the commands that only talk to a service start fast.
  const [{ runOnLog }, { namedLog }] = await Promise.all([import("../../run-on-log.ts"), import("../../named-log.ts")]);
  const stopped = hearStop("kills");
  try {
    const options = { log: namedLog(log, env), config, dryRun, reason: reason ?? null, signal: stopped.signal };
    return toArchiveRunReply(await runOnLog({ ...options, ...(namespace === undefined ? {} : { namespace }) }));
  } catch (error) {
    if (isRepriseError(error)) throw fromReprise(error as RepriseError);
    throw error;
  } finally {
    stopped.forget();
  }
}

function textOf(run: ArchiveRunReply, width: number | undefined): string {
  const { dry_run: isDry, state, why, rules, held_back: held, archived, removed, segments, freed_bytes: freed, owed } = run;
  if (rules.length === 0) return "The config has no retention: nothing leaves the log.\n";
  const isNothing = state === "completed" && archived === 0 && removed === 0;
  const done = isNothing
    ? "Nothing went: no event is old enough, or something holds those that are.\n"
    : `${countText(archived, "event")} archived in ${countText(segments, "segment")}, ${removed} removed; ${freed} bytes of the log's file given back.\n`;
  return [
    state === "completed" ? "" : `The run ${state === "failed" ? "failed" : `is ${state}`}${why === null ? "" : `: ${why}`}.\n`,
    isDry ? "Nothing was changed.\n" : done,
    owed === null ? "" : `Still owed: ${owed}\n`,
    tableSection(
      isDry ? "Would go" : "Went",
      rules,
      [
        ["ENTITY TYPE", ({ entity_type }) => entity_type],
        ["RECORDED BEFORE", ({ before }) => before],
        ["KEEPS LAST", ({ keep_last }) => keep_last || "–"],
        ["EVENTS", ({ events }) => events],
        ["ENTITIES", ({ entities }) => entities],
        ["HELD BACK", ({ held_back }) => held_back ?? "–"],
        ["TO", ({ archive }) => archive],
      ],
      width,
    ),
    held.length === 0
      ? ""
      : tableSection(
          "Held back",
          held,
          [
            ["HELD BACK BY", ({ reason }) => reason],
            ["EVENTS", ({ events }) => events],
            ["ENTITIES", ({ entities }) => entities],
            [
              "FOR EXAMPLE",
              ({ examples }) =>
                examples
                  .slice(0, 3)
                  .map(({ entity: { type, id }, revision }) => `${type}/${id}@${revision}`)
                  .join(", "),
            ],
          ],
          width,
        ),
  ].join("");
}

import { type Command, Option } from "commander";
import type { PlanReply } from "../../../http/wire/plans.ts";
import type { ReplayReply, ReplayStartedReply } from "../../../http/wire/replays-replies.ts";
import { at } from "../../client.ts";
import { confirmMany, hint, openSession, type World } from "../../command.ts";
import { type ExitCode, exit } from "../../exit.ts";
import { follow } from "../../follow.ts";
import { countText, fields, printOne } from "../../print.ts";
import { numberOf } from "./number-of.ts";
import { printReplay } from "./replay-text.ts";
import { printReport } from "./report.ts";

interface RunOptions {
  readonly reason: string;
  readonly rate?: string;
  readonly canary?: string;
  readonly hold: string;
  readonly stopRatio?: string;
  readonly stopInARow?: string;
  readonly effects?: string;
  readonly dryRun?: boolean;
  readonly detach?: boolean;
}

export function addRun(replay: Command, world: World): void {
  replay
    .command("run <plan>")
    .description("run exactly what a plan lists, and wait for its end")
    .requiredOption("--reason <text>", "why, for the record")
    .option("--rate <n>", "at most so many a second, or `none` for no limit (default: the plan's rate)")
    .option("--canary <n>", "so many entities first, alone; the rest only if all goes well")
    .option("--hold <seconds>", "how long to watch the canary before the rest begins", "30")
    .option("--stop-ratio <ratio>", "stop once this part of the deliveries has failed, 0.1 for a tenth")
    .option("--stop-in-a-row <n>", "stop after so many failures in a row")
    .addOption(new Option("--effects <mode>", "effects on record: answer with the record, or run again").choices(["once", "again"]))
    .option("--dry-run", "up to the handlers and no further; the plan can be run afterwards")
    .option("--detach", "do not wait for its end")
    .action(async (planId: string, options: RunOptions, command) => {
      const session = openSession(command, world);
      const plan = await session.client.get<PlanReply>(at`/replays/plans/${planId}`);
      if (!options.dryRun)
        await confirmMany(
          session,
          `deliver ${countText(plan.deliveries, "event")} of ${countText(plan.entities, "entity")} again`.replace("entitys", "entities"),
        );
      const { reply } = await session.client.post<ReplayStartedReply>("/replays", { body: { plan_id: planId, ...termsOf(options) } });
      if (options.detach) {
        printOne(session.terminal, session, reply, reply.replay_id, () =>
          fields([
            ["replay", reply.replay_id],
            ["status", reply.status],
            ["total", reply.total],
          ]),
        );
        hint(session, `To follow it: reprise replay show ${reply.replay_id}`);
        return;
      }
      const end = await follow(session, reply.replay_id, reply.position);
      printReplay(session, end);
      if (options.dryRun) await printReport(session, end.replay_id);
      world.exitCode = exitOf(end);
    });
}

function termsOf({ reason, rate, canary, hold, stopRatio, stopInARow, effects, dryRun }: RunOptions): object {
  const stop = { failure_ratio: numberOf("--stop-ratio", stopRatio), failures_in_a_row: numberOf("--stop-in-a-row", stopInARow) };
  return {
    ...{ reason, mode: dryRun ? "dry_run" : "run", rate_per_second: rate === "none" ? null : numberOf("--rate", rate), effects },
    canary: canary === undefined ? undefined : { entities: numberOf("--canary", canary), hold_seconds: numberOf("--hold", hold) },
    stop_when: stopRatio === undefined && stopInARow === undefined ? undefined : stop,
  };
}

/** `partly` when some deliveries succeeded and others failed or were left alone; `failed` when none succeeded. */
function exitOf({ status, total, succeeded, mode }: ReplayReply): ExitCode {
  if (succeeded === total && status === "completed") return exit.ok;
  return succeeded > 0 && mode === "run" ? exit.partly : exit.failed;
}

import { type Command, Option } from "commander";
import type { ReplayReply, ReplayStartedReply } from "../../../http/wire/replays-replies.ts";
import { addFilters, confirmMany, deadLetterFilters, hint, openSession, type Session, type World } from "../../command.ts";
import { type ExitCode, exit } from "../../exit.ts";
import { follow } from "../../follow.ts";
import { fields, printOne } from "../../print.ts";
import { amountText, choosePlan, type PlanChoice, printNothingToRun } from "./choose-plan.ts";
import { numberOf } from "./number-of.ts";
import { printReplay } from "./replay-text.ts";
import { printReport } from "./report.ts";

interface RunOptions extends PlanChoice {
  readonly canary?: string;
  readonly hold: string;
  readonly stopRatio?: string;
  readonly stopInARow?: string;
  readonly effects?: string;
  readonly dryRun?: boolean;
  readonly detach?: boolean;
}

export function addRun(replay: Command, world: World): void {
  addFilters(
    replay
      .command("run [plan]")
      .description("run exactly what a plan lists, or plan what a filter matches, show it, ask, and run it; wait for its end")
      .option("--plan <id>", "this plan, in place of the argument")
      .option("--reason <text>", "why, for the record (with a filter, default: the command itself)")
      .option("--rate <n>", "at most so many a second, or `none` for no limit (default: the plan's rate)")
      .option("--canary <n>", "so many entities first, alone; the rest only if all goes well")
      .option("--hold <seconds>", "how long to watch the canary before the rest begins", "30")
      .option("--stop-ratio <ratio>", "stop once this part of the deliveries has failed, 0.1 for a tenth")
      .option("--stop-in-a-row <n>", "stop after so many failures in a row")
      .addOption(new Option("--effects <mode>", "effects on record: answer with the record, or run again").choices(["once", "again"]))
      .option("--dry-run", "up to the handlers and no further; the plan can be run afterwards")
      .option("--detach", "do not wait for its end"),
    deadLetterFilters,
  ).action(async (planId: string | undefined, options: RunOptions, command) => {
    const session = openSession(command, world);
    const terms = termsOf(options); // a number that is none is told before anything is asked
    const { plan, reason } = await choosePlan(session, planId, options);
    if (plan.deliveries === 0 && plan.used === null) return printNothingToRun(session, plan);
    if (!options.dryRun) await confirmMany(session, `deliver ${amountText(plan)}`);
    const { reply } = await session.client.post<ReplayStartedReply>("/replays", { body: { plan_id: plan.plan_id, reason, ...terms } });
    if (options.detach) return printStarted(session, reply);
    const end = await follow(session, reply.replay_id, reply.position);
    printReplay(session, end);
    if (options.dryRun) await printReport(session, end.replay_id);
    world.exitCode = exitOf(end);
  });
}

function printStarted(session: Session, reply: ReplayStartedReply): void {
  printOne(session.terminal, session, reply, reply.replay_id, () =>
    fields([
      ["replay", reply.replay_id],
      ["status", reply.status],
      ["total", reply.total],
    ]),
  );
  hint(session, `To follow it: reprise replay watch ${reply.replay_id}`);
}

function termsOf({ rate, canary, hold, stopRatio, stopInARow, effects, dryRun }: RunOptions): object {
  const stop = { failure_ratio: numberOf("--stop-ratio", stopRatio), failures_in_a_row: numberOf("--stop-in-a-row", stopInARow) };
  return {
    ...{ mode: dryRun ? "dry_run" : "run", rate_per_second: rate === "none" ? null : numberOf("--rate", rate), effects },
    canary: canary === undefined ? undefined : { entities: numberOf("--canary", canary), hold_seconds: numberOf("--hold", hold) },
    stop_when: stopRatio === undefined && stopInARow === undefined ? undefined : stop,
  };
}

/** `partly` when some deliveries succeeded and others failed or were left alone; `failed` when none succeeded. */
export function exitOf({ status, total, succeeded, mode }: ReplayReply): ExitCode {
  if (succeeded === total && status === "completed") return exit.ok;
  return succeeded > 0 && mode === "run" ? exit.partly : exit.failed;
}

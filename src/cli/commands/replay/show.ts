import type { Command } from "commander";
import type { PlanReply } from "../../../http/wire/plans.ts";
import type { ReplayReply } from "../../../http/wire/replays-replies.ts";
import { at } from "../../client.ts";
import { openSession, type World } from "../../command.ts";
import { wholeId } from "../../whole-id.ts";
import { printPlan } from "./plan-text.ts";
import { printReplay } from "./replay-text.ts";
import { printReport } from "./report.ts";

export function addShow(replay: Command, world: World): void {
  replay
    .command("show <id>")
    .description("show a replay, or a plan")
    .option("--report", "with what became of each delivery and what lifting does to its payload")
    .option("--limit <n>", "of the report: at most so many")
    .option("--cursor <cursor>", "of the report: the page after the one that named it")
    .action(async (given: string, { report, limit, cursor }, command) => {
      const session = openSession(command, world);
      const id = await wholeId(session.client, "replayOrPlan", given);
      if (report) return printReport(session, id, { limit, cursor });
      try {
        printReplay(session, await session.client.get<ReplayReply>(at`/replays/${id}`));
      } catch (error) {
        // A replay and a plan are both named by a UUID, and the caller may not know which of them it has.
        const plan = await session.client.get<PlanReply>(at`/replays/plans/${id}`).catch(() => null);
        if (plan === null) throw error;
        printPlan(session, plan);
      }
    });
}

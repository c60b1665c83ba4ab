import type { Command } from "commander";
import type { World } from "../../command.ts";
import { addAmend } from "./amend.ts";
import { addDiscard } from "./discard.ts";
import { addGiveUp } from "./give-up.ts";
import { addList } from "./list.ts";
import { addReplay } from "./replay.ts";
import { addShow } from "./show.ts";
import { addStats } from "./stats.ts";

export function addDeadLetters(program: Command, world: World): void {
  const dlq = program.command("dlq").description("dead letters: look, amend, replay, discard");
  addList(dlq, world);
  addShow(dlq, world);
  addStats(dlq, world);
  addReplay(dlq, world);
  addAmend(dlq, world);
  addGiveUp(dlq, world);
  addDiscard(dlq, world);
}

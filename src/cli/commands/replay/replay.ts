import type { Command } from "commander";
import type { World } from "../../command.ts";
import { addList } from "./list.ts";
import { addPlan } from "./plan.ts";
import { addRun } from "./run.ts";
import { addShow } from "./show.ts";
import { addSteering } from "./steer.ts";
import { addWatch } from "./watch.ts";

export function addReplays(program: Command, world: World): void {
  const replay = program.command("replay").description("plan what to deliver again, run it, watch it, and steer it");
  addPlan(replay, world);
  addRun(replay, world);
  addList(replay, world);
  addShow(replay, world);
  addWatch(replay, world);
  addSteering(replay, world);
}

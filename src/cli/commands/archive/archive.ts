import type { Command } from "commander";
import type { World } from "../../command.ts";
import { addArchiveList } from "./list.ts";
import { addArchiveRestore } from "./restore.ts";
import { addArchiveRun } from "./run.ts";
import { addArchiveVerify } from "./verify.ts";

/** `archive run|ls|verify|restore`: events that have left the log, and those that may. */
export function addArchive(program: Command, world: World): void {
  const archive = program.command("archive").description("events that leave the log: runs, segments, whether they are whole, and how they come back");
  for (const add of [addArchiveRun, addArchiveList, addArchiveVerify, addArchiveRestore]) add(archive, world);
}

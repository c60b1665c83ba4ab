import type { Command } from "commander";
import type { World } from "../../command.ts";
import { addArchiveList } from "./list.ts";
import { addArchiveVerify } from "./verify.ts";

/** `archive ls|verify|restore`: events that have left the log. */
export function addArchive(program: Command, world: World): void {
  const archive = program.command("archive").description("events that have left the log: its segments, whether they are whole, and how they come back");
  for (const add of [addArchiveList, addArchiveVerify]) add(archive, world);
}

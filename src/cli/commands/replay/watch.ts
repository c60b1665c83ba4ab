import type { Command } from "commander";
import { openSession, type World } from "../../command.ts";
import { follow } from "../../follow.ts";
import { wholeId } from "../../whole-id.ts";
import { printReplay } from "./replay-text.ts";
import { exitOf } from "./run.ts";

/** `replay watch`. */
export function addWatch(replay: Command, world: World): void {
  replay
    .command("watch <id>")
    .description("follow a replay to its end, or until it is paused; the exit code is that of `replay run`")
    .action(async (id: string, _flags: unknown, command: Command) => {
      const session = openSession(command, world);
      const end = await follow(session, await wholeId(session.client, "replay", id));
      printReplay(session, end);
      world.exitCode = exitOf(end);
    });
}

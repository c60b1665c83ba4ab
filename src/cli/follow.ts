import { setTimeout as wait } from "node:timers/promises";
import type { ReplayReply } from "../http/wire/replays-replies.ts";
import { at } from "./client.ts";
import type { Session } from "./command.ts";
import { durationText } from "./print.ts";
import { Standstill } from "./standstill.ts";

/** A replay that goes on is asked after so often. */
const followEveryMs = 500;
const barCharacters = 24;
/** What shells expect of a program that Ctrl-C ended. */
const interrupted = 130;
/** It has ended, or goes on only when a person says so. */
const still: readonly ReplayReply["status"][] = ["completed", "stopped", "cancelled", "paused"];

/**
 * Waits for a replay's end, or until it is paused; on a terminal it shows how far it is and how long it will take. When it stands still, it says so anywhere.
 *
 * @param position of the act that began it; none for one that was begun before.
 */
export async function follow({ client, terminal, quiet }: Session, replayId: string, position?: string): Promise<ReplayReply> {
  const show = terminal.interactive && !quiet;
  const leave = (): never => {
    terminal.err(`\nThe replay goes on. To follow it: reprise replay watch ${replayId}\nTo end it: reprise replay cancel ${replayId}\n`);
    process.exit(interrupted);
  };
  const standstill = new Standstill(followEveryMs);
  process.once("SIGINT", leave);
  try {
    for (let before = ""; ; ) {
      const replay = await client.get<ReplayReply>(at`/replays/${replayId}`, { after: position });
      if (show) {
        const line = progressText(replay);
        terminal.err(`\r${line.padEnd(before.length)}`);
        before = line;
      }
      if (still.includes(replay.status)) {
        if (show) terminal.err("\n");
        return replay;
      }
      const told = standstill.look(replay);
      if (told !== null) {
        terminal.err(show ? `\n${told}` : told);
        before = "";
      }
      await wait(followEveryMs);
    }
  } finally {
    process.off("SIGINT", leave);
  }
}

function progressText({ total, succeeded, remaining, failed, status, seconds_left: left, followers }: ReplayReply): string {
  // What a replay that was stopped did not begin counts as skipped in its report: it is not done.
  const done = status === "stopped" || status === "cancelled" ? succeeded + failed : total - remaining;
  const filled = Math.round((barCharacters * done) / Math.max(1, total));
  const bar = "█".repeat(filled) + "░".repeat(barCharacters - filled);
  const then = remaining === 0 && followers > 0 ? `, ${followers} to follow` : left === null ? "" : `, ${durationText(left)} left`;
  const time = status === "completed" ? "" : status === "running" ? then : `, ${status}`;
  return `${bar} ${done} of ${total}, ${failed} failed${time}`;
}

import { type Clock, systemClock } from "../event/clock.ts";
import { pause } from "../event/waits.ts";
import type { ReplayReply } from "../http/wire/replays-replies.ts";
import { at } from "./client.ts";
import type { Session } from "./command.ts";
import { patiently } from "./patiently.ts";
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
 * While the service is down it asks again, because the replay goes on by itself.
 *
 * @param position of the act that began it; none for one that was begun before.
 */
export async function follow(session: Session, replayId: string, position?: string, clock: Clock = systemClock): Promise<ReplayReply> {
  const { terminal, quiet } = session;
  const show = terminal.interactive && !quiet;
  const leave = (): never => {
    terminal.err(`\nThe replay goes on. To follow it: reprise replay watch ${replayId}\nTo end it: reprise replay cancel ${replayId}\n`);
    process.exit(interrupted);
  };
  const asking = {
    ask: () => session.client.get<ReplayReply>(at`/replays/${replayId}`, { after: position }),
    isKnown: position !== undefined,
    meanwhile: "The replay goes on by itself once the service is back.",
    later: `The replay goes on once the service is back. To follow it: reprise replay watch ${replayId}`,
  };
  const look = patiently(session, asking, clock);
  const standstill = new Standstill(followEveryMs);
  process.once("SIGINT", leave);
  try {
    for (let before = ""; ; ) {
      const replay = await look();
      if (replay === null) {
        await pause(followEveryMs, clock);
        continue;
      }
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
      await pause(followEveryMs, clock);
    }
  } finally {
    process.off("SIGINT", leave);
  }
}

function progressText({ total, succeeded, remaining, failed, status, seconds_left: left, releases_left: releases }: ReplayReply): string {
  // What a replay that was stopped did not begin counts as skipped in its report: it is not done.
  const done = status === "stopped" || status === "cancelled" ? succeeded + failed : total - remaining;
  const filled = Math.round((barCharacters * done) / Math.max(1, total));
  const bar = "█".repeat(filled) + "░".repeat(barCharacters - filled);
  const then = `${releases > 0 ? `, ${releases} to follow` : ""}${left === null ? "" : `, ${durationText(left)} left`}`;
  const time = status === "completed" ? "" : status === "running" ? then : `, ${status}`;
  return `${bar} ${done} of ${total}, ${failed} failed${time}`;
}

import type { ReplayReply } from "../../../http/wire/replays-replies.ts";
import { hint, type Session } from "../../command.ts";
import { countText, durationText, fields, printOne, tableSection, timeText } from "../../print.ts";

export function printReplay(session: Session, replay: ReplayReply): void {
  printOne(session.terminal, session, replay, replay.replay_id, (width) => replayText(replay, width));
  if (replay.failed > 0 && replay.mode === "run" && replay.kind !== "history")
    hint(session, `\nThose that failed again: reprise dlq ls --replay-id ${replay.replay_id}`);
  if (replay.status === "paused") hint(session, `\nTo go on: reprise replay resume ${replay.replay_id}`);
}

function replayText(replay: ReplayReply, width: number | undefined): string {
  return [
    fields([
      ["replay", replay.replay_id],
      ["plan", replay.plan_id],
      ["kind", replay.mode === "dry_run" ? `${replay.kind} (dry run)` : replay.kind],
      ["status", replay.status],
      ["why", replay.why],
      ["reason", replay.reason],
      ["by", replay.actor],
      ["target handler", replay.target_handler],
      ["total", replay.total],
      ["succeeded", replay.succeeded],
      ["failed", replay.failed],
      ["skipped", replay.skipped],
      ["remaining", replay.remaining],
      ["to follow", replay.releases_left === 0 ? null : countText(replay.releases_left, "event")],
      ["new since", replay.new_since],
      ["rate", replay.rate_per_second === null ? null : `${replay.rate_per_second}/s`],
      ["left", replay.ended_at !== null || replay.seconds_left === null ? null : durationText(replay.seconds_left)],
      ["begun", timeText(replay.created_at)],
      ["ended", timeText(replay.ended_at)],
    ]),
    tableSection(
      "skipped",
      replay.skips,
      [
        ["COUNT", ({ count }) => count],
        ["REASON", ({ reason }) => reason],
      ],
      width,
    ),
  ].join("");
}

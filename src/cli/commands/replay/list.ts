import type { Command } from "commander";
import type { ReplayReply, ReplaysReply } from "../../../http/wire/replays-replies.ts";
import { addFilters, hintNext, openSession, queryOf, type World } from "../../command.ts";
import { type Column, printList, timeText } from "../../print.ts";

const pageFlags = ["limit", "cursor", "after"] as const;

export function addList(replay: Command, world: World): void {
  addFilters(replay.command("ls").description("list replays, newest first"), pageFlags).action(async (options, command) => {
    const session = openSession(command, world);
    const reply = await session.client.get<ReplaysReply>("/replays", await queryOf(session, pageFlags, options));
    printList(session.terminal, session, {
      reply,
      rows: reply.replays,
      columns: listColumns,
      id: ({ replay_id }) => replay_id,
      empty: "There are no replays.",
    });
    hintNext(session, "--cursor", reply.next_cursor);
  });
}

const listColumns: readonly Column<ReplayReply>[] = [
  ["REPLAY", ({ replay_id }) => replay_id],
  ["KIND", ({ kind, mode }) => (mode === "dry_run" ? `${kind} (dry run)` : kind)],
  ["STATUS", ({ status }) => status],
  ["TOTAL", ({ total }) => total],
  ["SUCCEEDED", ({ succeeded }) => succeeded],
  ["FAILED", ({ failed }) => failed],
  ["LEFT", ({ remaining }) => remaining],
  ["BEGUN", ({ created_at }) => timeText(created_at), ({ created_at, actor }) => [`${timeText(created_at)} by ${actor}`]],
  ["BY", ({ actor }) => actor, () => []],
  ["REASON", ({ reason }) => reason, ({ reason }) => [reason]],
];

import type { Command } from "commander";
import type { DeadLetterStatsReply } from "../../../http/wire/dead-letters-replies.ts";
import { addFilters, deadLetterFilters, openSession, queryOf, type World } from "../../command.ts";
import { countText, fields, printOne, table, timeText } from "../../print.ts";

const statsFilters = [...deadLetterFilters, "after"] as const;

export function addStats(dlq: Command, world: World): void {
  addFilters(dlq.command("stats").description("count dead letters by type, handler, source and error"), statsFilters).action(async (options, command) => {
    const session = openSession(command, world);
    const stats = await session.client.get<DeadLetterStatsReply>("/admin/dlq/stats", await queryOf(session, statsFilters, options));
    printOne(session.terminal, session, stats, String(stats.total), () => statsText(stats));
  });
}

/** The statistic names the most frequent only. */
const restText = ({ kinds, count }: DeadLetterStatsReply["left_out"]["top_errors"], what: string): string =>
  count > 0 ? `and ${countText(count, "dead letter")} with ${countText(kinds, what)}\n` : "";

function statsText(stats: DeadLetterStatsReply): string {
  const counted = <T extends { readonly count: number }>(heading: string, rows: readonly T[], name: (row: T) => string | null) =>
    rows.length === 0
      ? ""
      : "\n" +
        table(rows, [
          ["COUNT", ({ count }) => count],
          [heading, name],
        ]);
  return [
    fields([
      ["dead letters", stats.total],
      ["held behind them", stats.waiting],
      ["oldest", timeText(stats.oldest_at)],
    ]),
    counted("HANDLER", stats.by_handler, ({ handler }) => handler),
    counted("EVENT TYPE", stats.by_event_type, ({ event_type }) => event_type),
    counted("SOURCE", stats.by_source, ({ source }) => source),
    restText(stats.left_out.by_source, "other source"),
    counted("ERROR", stats.top_errors, ({ error }) => error),
    restText(stats.left_out.top_errors, "other error"),
  ].join("");
}

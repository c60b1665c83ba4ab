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

/** The statistic names the ten most frequent errors. This counts the dead letters with other errors. */
const restText = (left: number): string => (left > 0 ? `and ${countText(left, "dead letter")} with other errors\n` : "");

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
    counted("ERROR", stats.top_errors, ({ error }) => error),
    restText(stats.total - stats.top_errors.reduce((sum, { count }) => sum + count, 0)),
  ].join("");
}

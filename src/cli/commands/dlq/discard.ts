import { type Command, Option } from "commander";
import type { DeadLetterStatsReply, DiscardBatchReply, LetterActReply } from "../../../http/wire/dead-letters-replies.ts";
import { at, type Query } from "../../client.ts";
import { addFilters, confirm, confirmMany, deadLetterFilters, openSession, queryOf, type Session, type World } from "../../command.ts";
import { type ExitCode, exit, usage } from "../../exit.ts";
import { type Column, fields, printOne } from "../../print.ts";
import { wholeIds } from "../../whole-id.ts";
import { type Asked, each } from "./each-letter.ts";
import { standardMax } from "./max-letters.ts";

export function addDiscard(dlq: Command, world: World): void {
  addFilters(
    dlq
      .command("discard [id...]")
      .description("give dead letters up, for good, by event or delivery id, or all that a filter matches, the oldest first; what waits behind them goes on")
      .requiredOption("--reason <text>", "why, for the record")
      .addOption(new Option("--resolution <kind>", "what became of it").choices(["not_needed", "done_by_hand"]))
      .option("--max <n>", `with a filter: at most so many, up to 1000 (default: ${standardMax})`),
    deadLetterFilters,
  ).action(async (ids: readonly string[], options, command) => {
    const session = openSession(command, world);
    const filter = await queryOf(session, deadLetterFilters, options);
    const { reason, resolution, max } = options;
    if (ids.length === 0) {
      if (Object.keys(filter).length === 0) throw usage("Say which: ids, or a filter such as --error or --handler.");
      world.exitCode = await discardMatching(session, filter, { reason, resolution, max });
      return;
    }
    const { handler, ...others } = filter;
    if (Object.keys(others).length > 0 || max !== undefined)
      throw usage("Name ids or a filter, not both; beside ids only --handler, --reason and --resolution stand.");
    const whole = await wholeIds(session.client, "letter", ids);
    if (ids.length > 1 && session.terminal.interactive) await confirm(session, `Discard ${ids.length} dead letters for good?`);
    world.exitCode = await each<LetterActReply>(session, whole, discardColumns, async (id) => {
      const { reply } = await session.client.post<LetterActReply>(at`/admin/dlq/${id}/discard`, { body: { reason, resolution, handler } });
      return { row: { ...reply, asked: id }, ok: true };
    });
  });
}

async function discardMatching(
  session: Session,
  filter: Query,
  { reason, resolution, max }: { readonly reason: string; readonly resolution?: string; readonly max?: string },
): Promise<ExitCode> {
  const { total } = await session.client.get<DeadLetterStatsReply>("/admin/dlq/stats", filter);
  if (total > 0)
    await confirmMany(session, `discard ${Math.min(total, Number(max ?? standardMax))} of the ${total} dead letters that match for good, the oldest first`);
  const { reply } = await session.client.post<DiscardBatchReply>("/admin/dlq/discard-batch", {
    query: { ...filter, max_events: max },
    body: { reason, resolution },
  });
  printOne(session.terminal, session, reply, String(reply.discarded), () =>
    total === 0 ? "No dead letter matches.\n" : fields(Object.entries(reply).filter(([name]) => name !== "position")),
  );
  if (reply.discarded === reply.total) return exit.ok;
  return reply.discarded > 0 ? exit.partly : exit.failed;
}

const discardColumns: readonly Column<Asked<LetterActReply>>[] = [
  ["ID", ({ asked }) => asked],
  ["STATUS", () => "discarded"],
  ["HANDLER", ({ handler }) => handler],
  ["ENTITY", ({ entity }) => `${entity.type}/${entity.id}`],
];

import type { Command } from "commander";
import type { DeadLetterStatsReply, ReplayBatchReply, ReplayedReply } from "../../../http/wire/dead-letters-replies.ts";
import { at, type Query } from "../../client.ts";
import { addFilters, confirm, deadLetterFilters, hint, openSession, queryOf, type Session, type World } from "../../command.ts";
import { type ExitCode, exit, Failure, usage } from "../../exit.ts";
import { follow } from "../../follow.ts";
import { type Column, failureText, fields, printOne, tableSection } from "../../print.ts";
import { wholeIds } from "../../whole-id.ts";
import { type Asked, each } from "./each-letter.ts";
import { standardMax } from "./max-letters.ts";

export function addReplay(dlq: Command, world: World): void {
  addFilters(
    dlq
      .command("replay [id...]")
      .description("deliver dead letters again, by event or delivery id, or all that a filter matches, the oldest first")
      .option("--all", "without a filter: every dead letter, up to --max")
      .option("--max <n>", `with a filter: at most so many, up to 1000 (default: ${standardMax})`)
      .option("--rate <n>", "with a filter: at most so many a second")
      .option("--migration <name>", "deliver what this migration of the config makes of each")
      .option("--reason <text>", "why, for the record"),
    deadLetterFilters,
  ).action(async (ids: readonly string[], options, command) => {
    const session = openSession(command, world);
    const filter = await queryOf(session, deadLetterFilters, options);
    if (ids.length > 0) {
      const { handler, ...others } = filter;
      if (Object.keys(others).length > 0 || options.all || options.max !== undefined || options.rate !== undefined)
        throw usage("Name ids or a filter, not both; beside ids only --handler, --migration and --reason stand.");
      world.exitCode = await replayEach(session, await wholeIds(session.client, "letter", ids), {
        handler,
        migration: options.migration,
        reason: options.reason,
      });
    } else {
      if (Object.keys(filter).length === 0 && !options.all) throw usage("Say which: ids, a filter such as --error or --handler, or --all.");
      world.exitCode = await replayMatching(session, filter, options);
    }
  });
}

const replayColumns: readonly Column<Asked<ReplayedReply>>[] = [
  ["ID", ({ asked }) => asked],
  ["STATUS", ({ status }) => status],
  ["REPLAY", ({ replay_id }) => replay_id],
  ["ERROR", ({ error }) => failureText(error), ({ error }) => [failureText(error)]],
];

type ReplayBody = { readonly [member in "handler" | "migration" | "reason"]: string | undefined };

function replayEach(session: Session, ids: readonly string[], body: ReplayBody) {
  return each<ReplayedReply>(session, ids, replayColumns, async (id) => {
    const { reply, started } = await session.client.post<ReplayedReply>(at`/admin/dlq/${id}/replay`, { body });
    if (!started) return { row: { ...reply, asked: id }, ok: reply.status === "replayed" };
    const end = await follow(session, reply.replay_id, reply.position);
    const ok = end.succeeded === 1;
    return { row: { ...reply, status: ok ? "replayed" : "dead_lettered", asked: id }, ok };
  });
}

const skipColumns: readonly Column<ReplayBatchReply["skips"][number]>[] = [
  ["COUNT", ({ count }) => count],
  ["REASON", ({ reason }) => reason],
];

interface BatchOptions {
  readonly max?: string;
  readonly rate?: string;
  readonly migration?: string;
  readonly reason?: string;
}

async function replayMatching(session: Session, filter: Query, { max, rate, migration, reason }: BatchOptions): Promise<ExitCode> {
  if (!session.yes) {
    if (!session.terminal.interactive)
      throw new Failure(exit.refused, "Nobody can be asked whether to replay all that the filter matches.\nAdd --yes to say that it is meant.");
    const { total } = await session.client.get<DeadLetterStatsReply>("/admin/dlq/stats", filter);
    if (total > 0) await confirm(session, `Replay ${Math.min(total, Number(max ?? standardMax))} of the ${total} dead letters that match, the oldest first?`);
  }
  if (session.terminal.interactive) hint(session, "Replaying, the oldest first …");
  const { reply, started } = await session.client.post<ReplayBatchReply>("/admin/dlq/replay-batch", {
    query: { ...filter, max_events: max, rate_per_second: rate },
    body: { migration, reason },
  });
  const end = started ? await follow(session, reply.replay_id, reply.position) : null;
  const { replay_id, total } = reply;
  const { succeeded, failed, skipped, remaining, skips } = end ?? reply;
  printOne(session.terminal, session, end ?? reply, replay_id, (width) =>
    total === 0
      ? "No dead letter matches.\n"
      : fields(Object.entries({ replay: replay_id, total, succeeded, failed, skipped, remaining })) + tableSection("skipped", skips, skipColumns, width),
  );
  if (succeeded === total) return exit.ok;
  if (failed > 0) hint(session, `Those that failed again: reprise dlq ls --replay-id ${replay_id}`);
  return succeeded > 0 ? exit.partly : exit.failed;
}

import { type Command, Option } from "commander";
import type {
  AttemptReply,
  DeadLetterDetailReply,
  DeadLetterReply,
  DeadLetterStatsReply,
  DeadLettersReply,
  DiscardBatchReply,
  GivenUpReply,
  LetterActReply,
  ReplayBatchReply,
  ReplayedReply,
} from "../../http/wire/replies.ts";
import { at } from "../client.ts";
import { addFilters, confirm, confirmMany, deadLetterFilters, hint, hintNext, openSession, type Session, toQuery, type World } from "../command.ts";
import { type ExitCode, exit, Failure, usage } from "../exit.ts";
import { follow } from "../follow.ts";
import { type Column, countText, failureText, fields, hasData, json, printList, printOne, section, table, tableSection, timeText, verbatim } from "../print.ts";
import { addAmend, amendmentText } from "./amend.ts";

const listFilters = [...deadLetterFilters, "limit", "offset", "cursor", "after"] as const;
const statsFilters = [...deadLetterFilters, "after"] as const;
const standardMax = "100";

export function addDeadLetters(program: Command, world: World): void {
  const dlq = program.command("dlq").description("dead letters: look, amend, replay, discard");

  addFilters(dlq.command("ls").description("list dead letters, newest event first"), listFilters).action(async (options, command) => {
    const session = openSession(command, world);
    const whole = session.output !== "table" && !session.quiet;
    const reply = await session.client.get<DeadLettersReply>("/admin/dlq", { ...toQuery(listFilters, options), data: String(whole) });
    const shared = sharedIds(reply.events);
    const id = (letter: DeadLetterReply) => (shared.has(letter.id) ? letter.delivery_id : letter.id);
    printList(session.terminal, session, { reply, rows: reply.events, columns: [["ID", id], ...columns], id, empty: "No dead letter matches." });
    hintNext(session, "--cursor", reply.next_cursor, reply.total);
  });

  addFilters(dlq.command("show <id>").description("show one dead letter, by event or delivery id"), ["handler", "after"]).action(
    async (id, options, command) => {
      const session = openSession(command, world);
      const letter = await session.client.get<DeadLetterDetailReply>(at`/admin/dlq/${id}`, toQuery(["handler", "after"], options));
      printOne(session.terminal, session, letter, letter.delivery_id, (width) => letterText(letter, width));
      hint(
        session,
        `\nTo deliver it again: reprise dlq replay ${letter.delivery_id} --reason …\nTo give it other data first: reprise dlq amend ${letter.delivery_id} --data @file.json --reason …\nTo give it up: reprise dlq discard ${letter.delivery_id} --reason …`,
      );
    },
  );

  addFilters(dlq.command("stats").description("count dead letters by type, handler, source and error"), statsFilters).action(async (options, command) => {
    const session = openSession(command, world);
    const stats = await session.client.get<DeadLetterStatsReply>("/admin/dlq/stats", toQuery(statsFilters, options));
    printOne(session.terminal, session, stats, String(stats.total), () => statsText(stats));
  });

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
    const filter = toQuery(deadLetterFilters, options);
    if (ids.length > 0) {
      const { handler, ...others } = filter;
      if (Object.keys(others).length > 0 || options.all || options.max !== undefined || options.rate !== undefined)
        throw usage("Name ids or a filter, not both; beside ids only --handler, --migration and --reason stand.");
      world.exitCode = await replayEach(session, ids, { handler, migration: options.migration, reason: options.reason });
    } else {
      if (Object.keys(filter).length === 0 && !options.all) throw usage("Say which: ids, a filter such as --error or --handler, or --all.");
      world.exitCode = await replayMatching(session, filter, options);
    }
  });

  addAmend(dlq, world);

  dlq
    .command("give-up <delivery-id>")
    .description("make a dead letter, now, of a delivery that waits for its next attempt")
    .requiredOption("--reason <text>", "why, for the record")
    .action(async (id: string, { reason }: { readonly reason: string }, command: Command) => {
      const session = openSession(command, world);
      const { reply } = await session.client.post<GivenUpReply>(at`/deliveries/${id}/give-up`, { body: { reason } });
      printOne(session.terminal, session, reply, reply.delivery_id, () => `Delivery ${reply.delivery_id} to ${reply.handler} is a dead letter now.\n`);
      hint(
        session,
        `To deliver it again: reprise dlq replay ${reply.delivery_id} --reason …\nTo give it up for good: reprise dlq discard ${reply.delivery_id} --reason …`,
      );
    });

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
    const filter = toQuery(deadLetterFilters, options);
    const { reason, resolution, max } = options;
    if (ids.length === 0) {
      if (Object.keys(filter).length === 0) throw usage("Say which: ids, or a filter such as --error or --handler.");
      world.exitCode = await discardMatching(session, filter, { reason, resolution, max });
      return;
    }
    const { handler, ...others } = filter;
    if (Object.keys(others).length > 0 || max !== undefined)
      throw usage("Name ids or a filter, not both; beside ids only --handler, --reason and --resolution stand.");
    if (ids.length > 1 && session.terminal.interactive) await confirm(session, `Discard ${ids.length} dead letters for good?`);
    world.exitCode = await each<LetterActReply>(session, ids, discardColumns, async (id) => {
      const { reply } = await session.client.post<LetterActReply>(at`/admin/dlq/${id}/discard`, { body: { reason, resolution, handler } });
      return { row: { ...reply, asked: id }, ok: true };
    });
  });
}

async function discardMatching(
  session: Session,
  filter: ReturnType<typeof toQuery>,
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

const columns: readonly Column<DeadLetterReply>[] = [
  ["HANDLER", ({ handler }) => handler],
  ["ENTITY", ({ entity }) => `${entity.type}/${entity.id}`],
  ["HELD", ({ waiting }) => waiting],
  ["TYPE", ({ event_type }) => event_type, () => []],
  ["CAUSE", causeText, () => []],
  ["ATTEMPTS", ({ attempts }) => attempts, () => []],
  [
    "SINCE",
    ({ dead_lettered_at }) => timeText(dead_lettered_at),
    (letter) => [`${letter.event_type}: ${causeText(letter)}, ${countText(letter.attempts, "attempt")}, ${timeText(letter.dead_lettered_at)}`],
  ],
  ["ERROR", ({ error }) => failureText(error), ({ error }) => [failureText(error)]],
];

function causeText({ cause, status }: DeadLetterReply): string {
  return status === "escalated" ? `${cause} (escalated)` : cause;
}

/** Event ids that stand for several dead letters on the page: there only the delivery id says which. */
function sharedIds(letters: readonly DeadLetterReply[]): ReadonlySet<string> {
  const seen = new Set<string>();
  return new Set(letters.map(({ id }) => id).filter((id) => seen.has(id) || !seen.add(id)));
}

type Asked<T> = T & { readonly asked: string };
const replayColumns: readonly Column<Asked<ReplayedReply>>[] = [
  ["ID", ({ asked }) => asked],
  ["STATUS", ({ status }) => status],
  ["REPLAY", ({ replay_id }) => replay_id],
  ["ERROR", ({ error }) => failureText(error), ({ error }) => [failureText(error)]],
];
const discardColumns: readonly Column<Asked<LetterActReply>>[] = [
  ["ID", ({ asked }) => asked],
  ["STATUS", () => "discarded"],
  ["HANDLER", ({ handler }) => handler],
  ["ENTITY", ({ entity }) => `${entity.type}/${entity.id}`],
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

/** One after another: a problem with one id keeps the others from nothing, but a service that went away ends it. */
async function each<T extends object>(
  session: Session,
  ids: readonly string[],
  shown: readonly Column<Asked<T>>[],
  act: (id: string) => Promise<{ readonly row: Asked<T>; readonly ok: boolean }>,
): Promise<ExitCode> {
  const rows: Asked<T>[] = [];
  let done = 0;
  let failure: Failure | undefined;
  for (const id of ids) {
    try {
      const { row, ok } = await act(id);
      rows.push(row);
      if (ok) done++;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failure ??= error;
      session.terminal.err(`${ids.length > 1 ? `${id}: ` : ""}${error.message}\n`);
      if (error.exitCode === exit.unreachable) break;
    }
  }
  if (rows.length > 0)
    printList(session.terminal, session, { reply: rows.length === 1 ? rows[0] : rows, rows, columns: shown, id: ({ asked }) => asked, empty: "" });
  if (done === ids.length) return exit.ok;
  return done > 0 ? exit.partly : (failure?.exitCode ?? exit.failed);
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

async function replayMatching(session: Session, filter: ReturnType<typeof toQuery>, { max, rate, migration, reason }: BatchOptions): Promise<ExitCode> {
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

function letterText(letter: DeadLetterDetailReply, width: number | undefined): string {
  return [
    fields([
      ["event", letter.id],
      ["delivery", letter.delivery_id],
      ["handler", letter.handler],
      ["entity", `${letter.entity.type}/${letter.entity.id}`],
      ["revision", letter.revision],
      ["type", letter.event_type],
      [
        "version",
        letter.schema_version === letter.stored_schema_version ? letter.schema_version : `${letter.schema_version} (stored: ${letter.stored_schema_version})`,
      ],
      ["source", letter.source],
      ["status", letter.status],
      ["cause", letter.cause],
      ["error", failureText(letter.error)],
      ["attempts", letter.attempts],
      ["waiting", letter.waiting],
      ["recorded", letter.created_at],
      ["first failed", letter.first_failed_at],
      ["dead-lettered", letter.dead_lettered_at],
      ["amended", letter.amended_at],
      ["replay", letter.replay_id],
      ["data error", letter.data_error],
      ["part", letter.part === null ? null : `${letter.part + 1} of ${letter.parts?.length ?? "several"}`],
      ["dropped", letter.dropped],
    ]),
    hasData(letter) ? section("data", json(letter.data)) : "",
    letter.amendment === null ? "" : section("amended data", json(letter.amendment.data)),
    letter.stored !== null && (letter.stored_schema_version !== letter.schema_version || letter.amendment !== null)
      ? section("stored data", json(letter.stored.data))
      : "",
    amendmentText(letter, width),
    tableSection(
      "steps",
      letter.steps,
      [
        ["STEP", ({ from, to }) => `${from} → ${to}`],
        ["ERROR", ({ error }) => failureText(error), ({ error }) => [failureText(error)]],
      ],
      width,
    ),
    tableSection(
      letter.waiting > letter.waiting_events.length ? `waiting behind it (first ${letter.waiting_events.length})` : "waiting behind it",
      letter.waiting_events,
      [
        ["REVISION", ({ revision }) => revision],
        ["TYPE", ({ type }) => type],
        ["ID", ({ id }) => id],
        ["RECORDED", ({ recorded_at }) => timeText(recorded_at)],
      ],
      width,
    ),
    tableSection(
      "attempts, newest first",
      letter.history,
      [
        ["ATTEMPT", ({ attempt }) => attempt],
        ["STARTED", ({ started_at }) => timeText(started_at)],
        ["TOOK", ({ duration_ms }) => `${Math.round(duration_ms)} ms`],
        ["OUTCOME", ({ outcome, class: kind }) => (kind === null ? outcome : `${outcome} (${kind})`)],
        ["ERROR", ({ error }) => failureText(error), ({ error }) => [failureText(error)]],
      ],
      width,
    ),
    lastAttemptText(letter.history[0]),
  ].join("");
}

/** What else is known of it: where it threw, what the receiver answered, what the handler logged. */
function lastAttemptText(attempt: AttemptReply | undefined): string {
  if (attempt === undefined) return "";
  const { error, http_status: status, response_head: head, log } = attempt;
  return [
    error?.stack === undefined ? "" : section("stack of the last attempt", verbatim(error.stack)),
    status === undefined ? "" : section("answer to the last attempt", verbatim(`HTTP ${status}${head === undefined ? "" : `\n${head}`}`)),
    log.length === 0 ? "" : section("log of the last attempt", verbatim(log.join("\n"))),
  ].join("");
}

/** The statistic names the ten most frequent errors: what it leaves out is counted. */
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

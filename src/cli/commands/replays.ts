import { type Command, Option } from "commander";
import type { PlanReply, ReplayActReply, ReplayReply, ReplayReportReply, ReplayStartedReply, ReplaysReply } from "../../http/wire/replies.ts";
import { at } from "../client.ts";
import { addFilters, confirmMany, deadLetterFilters, hint, hintNext, openSession, parseEntity, type Session, toQuery, type World } from "../command.ts";
import { type ExitCode, exit, usage } from "../exit.ts";
import { follow } from "../follow.ts";
import { type Column, countText, durationText, failureText, fields, json, printList, printOne, section, tableSection, timeText } from "../print.ts";

const pageFlags = ["limit", "cursor", "after"] as const;

interface PlanOptions {
  readonly history?: string;
  readonly types?: string;
  readonly fromPosition?: string;
  readonly toPosition?: string;
  readonly targetHandler?: string;
  readonly rate?: string;
  readonly entity?: string;
  readonly since?: string;
  readonly until?: string;
}

interface RunOptions {
  readonly reason: string;
  readonly rate?: string;
  readonly canary?: string;
  readonly hold: string;
  readonly stopRatio?: string;
  readonly stopInARow?: string;
  readonly effects?: string;
  readonly dryRun?: boolean;
  readonly detach?: boolean;
}

export function addReplays(program: Command, world: World): void {
  const replay = program.command("replay").description("plan what to deliver again, run the plan, and steer it");

  addFilters(
    replay
      .command("plan [id...]")
      .description("freeze a selection and say what its replay would do: ids, dead letters that a filter matches, or --history of a handler")
      .option("--history <handler>", "what this handler was given before, in place of dead letters; with --entity, --since, --until")
      .option("--types <types>", "with --history: of these event types, separated by commas")
      .option("--from-position <position>", "with --history: from here on")
      .option("--to-position <position>", "with --history: up to here")
      .option("--target-handler <name>", "deliver to this handler instead; dead letters stay")
      .option("--rate <n>", "so many a second, for the estimate"),
    deadLetterFilters,
  ).action(async (ids: readonly string[], options: PlanOptions, command) => {
    const session = openSession(command, world);
    const body = { selection: selectionOf(ids, options), target_handler: options.targetHandler, rate_per_second: numberOf("--rate", options.rate) };
    const { reply } = await session.client.post<PlanReply>("/replays/plan", { body });
    printPlan(session, reply);
  });

  replay
    .command("run <plan>")
    .description("run exactly what a plan lists, and wait for its end")
    .requiredOption("--reason <text>", "why, for the record")
    .option("--rate <n>", "at most so many a second, or `none` for no limit (default: the plan's rate)")
    .option("--canary <n>", "so many entities first, alone; the rest only if all goes well")
    .option("--hold <seconds>", "how long to watch the canary before the rest begins", "30")
    .option("--stop-ratio <ratio>", "stop once this part of the deliveries has failed, 0.1 for a tenth")
    .option("--stop-in-a-row <n>", "stop after so many failures in a row")
    .addOption(new Option("--effects <mode>", "effects on record: answer with the record, or run again").choices(["once", "again"]))
    .option("--dry-run", "up to the handlers and no further; the plan can be run afterwards")
    .option("--detach", "do not wait for its end")
    .action(async (planId: string, options: RunOptions, command) => {
      const session = openSession(command, world);
      const plan = await session.client.get<PlanReply>(at`/replays/plans/${planId}`);
      if (!options.dryRun)
        await confirmMany(
          session,
          `deliver ${countText(plan.deliveries, "event")} of ${countText(plan.entities, "entity")} again`.replace("entitys", "entities"),
        );
      const { reply } = await session.client.post<ReplayStartedReply>("/replays", { body: { plan_id: planId, ...termsOf(options) } });
      if (options.detach) {
        printOne(session.terminal, session, reply, reply.replay_id, () =>
          fields([
            ["replay", reply.replay_id],
            ["status", reply.status],
            ["total", reply.total],
          ]),
        );
        hint(session, `To follow it: reprise replay show ${reply.replay_id}`);
        return;
      }
      const end = await follow(session, reply.replay_id, reply.position);
      printReplay(session, end);
      if (options.dryRun) await printReport(session, end.replay_id);
      world.exitCode = exitOf(end);
    });

  addFilters(replay.command("ls").description("list replays, newest first"), pageFlags).action(async (options, command) => {
    const session = openSession(command, world);
    const reply = await session.client.get<ReplaysReply>("/replays", toQuery(pageFlags, options));
    printList(session.terminal, session, { reply, rows: reply.replays, columns, id: ({ replay_id }) => replay_id, empty: "There are no replays." });
    hintNext(session, "--cursor", reply.next_cursor);
  });

  replay
    .command("show <id>")
    .description("show a replay, or a plan")
    .option("--report", "with what became of each delivery and what lifting does to its payload")
    .option("--limit <n>", "of the report: at most so many")
    .option("--cursor <cursor>", "of the report: the page after the one that named it")
    .action(async (id: string, { report, limit, cursor }, command) => {
      const session = openSession(command, world);
      if (report) return printReport(session, id, { limit, cursor });
      try {
        printReplay(session, await session.client.get<ReplayReply>(at`/replays/${id}`));
      } catch (error) {
        // Both are named by a UUID, and who has one may not know of what.
        const plan = await session.client.get<PlanReply>(at`/replays/plans/${id}`).catch(() => null);
        if (plan === null) throw error;
        printPlan(session, plan);
      }
    });

  const verbs = {
    pause: "start nothing further until it is resumed",
    resume: "go on with a paused replay",
    cancel: "end it: nothing of it starts any more, and what it did stays done",
  };
  for (const [verb, description] of Object.entries(verbs))
    replay
      .command(`${verb} <id>`)
      .description(description)
      .option("--reason <text>", "why, for the record")
      .action(async (id: string, { reason }, command) => {
        const session = openSession(command, world);
        const { reply } = await session.client.post<ReplayActReply>(`${at`/replays/${id}`}/${verb}`, { body: { reason } });
        printActed(session, reply);
      });

  replay
    .command("rate <id> <n>")
    .description("deliver so many a second from now on; `none` takes the limit away")
    .option("--reason <text>", "why, for the record")
    .action(async (id: string, rate: string, { reason }, command) => {
      const session = openSession(command, world);
      const body = { rate_per_second: rate === "none" ? null : numberOf("<n>", rate), reason };
      printActed(session, await session.client.patch<ReplayActReply>(at`/replays/${id}`, body));
    });
}

function selectionOf(ids: readonly string[], options: PlanOptions): object {
  const filter = toQuery(deadLetterFilters, { ...options });
  const ofHistory = [options.types, options.fromPosition, options.toPosition].some((value) => value !== undefined);
  if (options.history === undefined && ofHistory) throw usage("--types, --from-position and --to-position go with --history.");
  if (ids.length > 0) {
    if (Object.keys(filter).length > 0 || options.history !== undefined) throw usage("Name ids, a filter or --history: one of the three.");
    return { ids };
  }
  if (options.history === undefined) {
    if (Object.keys(filter).length === 0) throw usage("Say which: ids, a filter such as --error or --handler, or --history <handler>.");
    return { dead_letters: filter };
  }
  const { since, until, entity_type: _type, entity_id: _id, ...others } = filter;
  if (Object.keys(others).length > 0) throw usage("Beside --history only --entity, --types, --since, --until, --from-position and --to-position stand.");
  return {
    history: {
      handler: options.history,
      entity: options.entity === undefined ? undefined : parseEntity(options.entity),
      event_types: options.types?.split(","),
      since,
      until,
      from_position: options.fromPosition,
      to_position: options.toPosition,
    },
  };
}

function termsOf({ reason, rate, canary, hold, stopRatio, stopInARow, effects, dryRun }: RunOptions): object {
  const stop = { failure_ratio: numberOf("--stop-ratio", stopRatio), failures_in_a_row: numberOf("--stop-in-a-row", stopInARow) };
  return {
    ...{ reason, mode: dryRun ? "dry_run" : "run", rate_per_second: rate === "none" ? null : numberOf("--rate", rate), effects },
    canary: canary === undefined ? undefined : { entities: numberOf("--canary", canary), hold_seconds: numberOf("--hold", hold) },
    stop_when: stopRatio === undefined && stopInARow === undefined ? undefined : stop,
  };
}

function numberOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw usage(`${flag} is ${JSON.stringify(text)}: it must be a number.`);
  return value;
}

/** A part that failed or was left alone is told apart from a whole that did. */
function exitOf({ status, total, succeeded, mode }: ReplayReply): ExitCode {
  if (succeeded === total && status === "completed") return exit.ok;
  return succeeded > 0 && mode === "run" ? exit.partly : exit.failed;
}

const columns: readonly Column<ReplayReply>[] = [
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

function printActed(session: Session, reply: ReplayActReply): void {
  printOne(session.terminal, session, reply, reply.replay_id, () =>
    fields([
      ["replay", reply.replay_id],
      ["status", reply.status],
    ]),
  );
}

function printPlan(session: Session, plan: PlanReply): void {
  printOne(session.terminal, session, plan, plan.plan_id, (width) => planText(plan, width));
  const rate = plan.rate_per_second === null ? "" : ` --rate ${plan.rate_per_second}`;
  if (plan.used === null) hint(session, `\nTo run it: reprise replay run ${plan.plan_id}${rate} --reason …`);
}

function planText(plan: PlanReply, width: number | undefined): string {
  return [
    fields([
      ["plan", plan.plan_id],
      ["used", plan.used && `by ${plan.used.actor}, as replay ${plan.used.replay_id}`],
      ["expires", timeText(plan.expires_at)],
      ["target handler", plan.target_handler],
      ["deliveries", plan.deliveries],
      ["entities", plan.entities],
      ["dead letters", plan.dead_letters],
      ["releases", plan.releases],
      ["invalid", plan.invalid_total],
      ["rate", plan.rate_per_second === null ? null : `${plan.rate_per_second}/s`],
      ["takes about", plan.estimated_seconds === null ? null : durationText(plan.estimated_seconds)],
    ]),
    tableSection(
      "by handler",
      plan.by_handler,
      [
        ["HANDLER", ({ handler }) => handler],
        ["DELIVERIES", ({ deliveries }) => deliveries],
        ["ENTITIES", ({ entities }) => entities],
      ],
      width,
    ),
    tableSection(
      "by error",
      plan.by_error,
      [
        ["COUNT", ({ count }) => count],
        ["ERROR", ({ error }) => error, ({ error }) => [error]],
      ],
      width,
    ),
    tableSection(
      "not eligible",
      plan.ineligible,
      [
        ["COUNT", ({ count }) => count],
        ["REASON", ({ reason }) => reason],
      ],
      width,
    ),
    tableSection(
      plan.invalid_total > plan.invalid.length ? `cannot be lifted (first ${plan.invalid.length} of ${plan.invalid_total})` : "cannot be lifted",
      plan.invalid,
      [
        ["EVENT", ({ event_id }) => event_id],
        ["STEP", ({ step }) => step],
        ["ERROR", ({ error }) => failureText(error), ({ error }) => [failureText(error)]],
      ],
      width,
    ),
    ...plan.samples.map(({ event_id, stored, current }) =>
      section(
        `sample ${event_id}: ${stored.type} v${stored.schema_version}${current === null ? "" : ` → v${current.schema_version}`}`,
        current === null || current.schema_version === stored.schema_version ? json(stored.data) : `${json(stored.data)}→\n${json(current.data)}`,
      ),
    ),
  ].join("");
}

function printReplay(session: Session, replay: ReplayReply): void {
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
      ["to follow", replay.followers === 0 ? null : countText(replay.followers, "lane")],
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

async function printReport(session: Session, replayId: string, page: { readonly limit?: string; readonly cursor?: string } = {}): Promise<void> {
  const reply = await session.client.get<ReplayReportReply>(`${at`/replays/${replayId}`}/report`, { ...page });
  printList(session.terminal, session, {
    reply,
    rows: reply.items,
    columns: [
      ["EVENT", ({ event_id }) => event_id],
      ["HANDLER", ({ handler }) => handler],
      ["ENTITY", ({ entity }) => `${entity.type}/${entity.id}`],
      ["REVISION", ({ revision }) => revision],
      ["OUTCOME", ({ outcome }) => outcome],
      ["DIFFERENCES", ({ differences }) => differencesText(differences), ({ differences }) => [differencesText(differences)]],
      ["ERROR", ({ error }) => failureText(error), ({ error }) => [failureText(error)]],
    ],
    id: ({ event_id }) => event_id,
    empty: "It has no deliveries.",
  });
  hintNext(session, "--report --cursor", reply.next_cursor);
}

type Differences = ReplayReportReply["items"][number]["differences"];

/** `/total: 9.95 → nothing`. */
function differencesText(differences: Differences): string | null {
  if (differences === null) return null;
  const side = (value: unknown): string => (value === undefined ? "nothing" : JSON.stringify(value));
  return differences.map(({ path, before, after }) => `${path === "" ? "data" : path}: ${side(before)} → ${side(after)}`).join("; ") || "none";
}

/** `reprise logs <event>`: all that happened to one event, over its handlers, in the order in which it happened. */
import type { Command } from "commander";
import type { DeadLetterDetailReply } from "../../http/wire/dead-letters-replies.ts";
import type { EventReply } from "../../http/wire/events.ts";
import type { ReplayReply } from "../../http/wire/replays-replies.ts";
import { at, type Client } from "../client.ts";
import { addFilters, openSession, queryOf, type World } from "../command.ts";
import { actText } from "../delivery-acts.ts";
import { Failure } from "../exit.ts";
import { type Column, failureText, fields, printOne, section, table, timeText } from "../print.ts";
import { wholeId } from "../whole-id.ts";

type Delivery = EventReply["deliveries"][number];

/** One thing that happened. Members that say nothing are null. */
export interface Happened {
  readonly at: string;
  readonly what: string;
  readonly handler: string | null;
  readonly delivery_id: string | null;
  readonly attempt: number | null;
  readonly error: string | null;
  readonly log: readonly string[];
  readonly actor: string | null;
  readonly reason: string | null;
  /** Of a decision: the delivery's status before and after it. */
  readonly before: string | null;
  readonly after: string | null;
  readonly replay_id: string | null;
}

const nothing = {
  ...{ handler: null, delivery_id: null, attempt: null, error: null, log: [] },
  ...{ actor: null, reason: null, before: null, after: null, replay_id: null },
} as const;

export function addLogs(program: Command, world: World): void {
  addFilters(program.command("logs <event>").description("show all that happened to one event, over its handlers"), ["after"]).action(
    async (id, options, command) => {
      const session = openSession(command, world);
      const { client } = session;
      const event = await client.get<EventReply>(at`/events/${await wholeId(client, "event", id)}`, await queryOf(session, ["after"], options));
      const happened = await happenedTo(client, event);
      const reply = { event_id: event.id, traceparent: event.traceparent, happened, now: event.deliveries.map(nowOf) };
      printOne(session.terminal, session, reply, event.id, (width) => logText(event, happened, width));
    },
  );
}

/**
 * In the order in which it happened: the append first, the rest by time. A time has whole milliseconds, and an attempt's beginning is told from its end and its
 * length, so that it may seem to lie before the append; what has one time stays in the order of its delivery.
 */
async function happenedTo(client: Client, event: EventReply): Promise<readonly Happened[]> {
  const recorded = { ...nothing, at: event.recorded_at, what: "appended", actor: event.source };
  const found: Happened[] = [];
  const replays = new Set<string>();
  for (const delivery of event.deliveries) {
    for (const each of ofDelivery(delivery)) found.push(each);
    for (const replayId of [delivery.replay_id, ...delivery.history.map(({ replay_id }) => replay_id)]) if (replayId !== null) replays.add(replayId);
    if (delivery.status === "dead_lettered" || delivery.status === "escalated") for (const each of await ofLetter(client, delivery)) found.push(each);
  }
  for (const replayId of replays) {
    const replay = await ifAny(client.get<ReplayReply>(at`/replays/${replayId}`));
    if (replay === null) continue;
    const { actor, reason, created_at, replay_id } = replay;
    found.push({ ...nothing, at: created_at, what: `${replay.mode === "dry_run" ? "dry run" : "replay"} begun`, actor, reason, replay_id });
  }
  return [recorded, ...found.sort((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at)))];
}

function ofDelivery({ handler, delivery_id, status, processed_at, history, amendments, acts, effects, replay_id }: Delivery): readonly Happened[] {
  const own = { ...nothing, handler, delivery_id };
  return [
    ...history.toReversed().map((call) => ({
      ...own,
      at: call.started_at,
      what: `attempt ${call.attempt} ${call.outcome} after ${call.duration_ms} ms`,
      attempt: call.attempt,
      error: call.error && failureText(call.error),
      log: call.log,
      actor: call.actor,
      replay_id: call.replay_id,
    })),
    ...effects.map(({ at, key, replay_id }) => ({ ...own, at, what: `effect ${key}`, replay_id })),
    ...amendments.map(({ at, actor, reason, migration, replay_id }) => ({
      ...own,
      at,
      what: `amended${migration === null ? "" : ` by ${migration}`}`,
      actor,
      reason,
      replay_id,
    })),
    ...acts.toReversed().map((act) => {
      const { at, actor, reason, before, after } = act;
      return { ...own, at, what: actText(act), actor, reason, before, after, replay_id: act.replay_id };
    }),
    ...(status === "completed" && processed_at !== null ? [{ ...own, at: processed_at, what: status, replay_id }] : []),
  ];
}

async function ofLetter(client: Client, { handler, delivery_id, status }: Delivery): Promise<readonly Happened[]> {
  const letter = await ifAny(client.get<DeadLetterDetailReply>(at`/admin/dlq/${delivery_id}`));
  if (letter === null) return [];
  const what = `${status}: ${letter.cause}`;
  return [{ ...nothing, handler, delivery_id, at: letter.dead_lettered_at, what, error: failureText(letter.error) }];
}

/** What the key may not see, or what has gone meanwhile, is left out. */
async function ifAny<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    const status = error instanceof Failure && "status" in error.members ? error.members.status : null;
    if (status === 403 || status === 404) return null;
    throw error;
  }
}

function nowOf({ handler, delivery_id, status, attempts, next_attempt_at }: Delivery) {
  return { handler, delivery_id, status, attempts, next_attempt_at };
}

const columns: readonly Column<Happened>[] = [
  ["AT", ({ at }) => timeText(at)],
  ["HANDLER", ({ handler }) => handler],
  ["WHAT", ({ what }) => what],
  ["BY", ({ actor }) => actor, ({ actor }) => [actor && `by ${actor}`]],
  ["REASON", ({ reason }) => reason, ({ reason }) => [reason]],
  ["ERROR", ({ error }) => error, ({ error }) => [error]],
  ["REPLAY", ({ replay_id }) => replay_id, ({ replay_id }) => [replay_id && `replay ${replay_id}`]],
];

function logText(event: EventReply, happened: readonly Happened[], width: number | undefined): string {
  const logged = happened.filter(({ log }) => log.length > 0);
  return [
    fields([
      ["event", event.id],
      ["type", event.type],
      ["entity", `${event.entity.type}/${event.entity.id}`],
      ["revision", event.revision],
      ["traceparent", event.traceparent],
    ]),
    section("what happened", table(happened, columns, width)),
    ...logged.map(({ handler, attempt, log }) => section(`log of ${handler}, attempt ${attempt}`, log.map((line) => `${line}\n`).join(""))),
    event.deliveries.length === 0
      ? ""
      : section(
          "now",
          table(
            event.deliveries,
            [
              ["HANDLER", ({ handler }) => handler],
              ["STATUS", ({ status }) => status],
              ["ATTEMPTS", ({ attempts }) => attempts],
              ["NEXT ATTEMPT", ({ next_attempt_at }) => timeText(next_attempt_at)],
            ],
            width,
          ),
        ),
  ].join("");
}

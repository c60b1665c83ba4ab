import type { Command } from "commander";
import type { EventReply, EventsReply } from "../../http/wire/events.ts";
import { at } from "../client.ts";
import { addFilters, hintNext, openSession, queryOf, type World } from "../command.ts";
import { actColumns } from "../delivery-acts.ts";
import { type Column, failureText, fields, hasData, json, printList, printOne, section, tableSection, timeText } from "../print.ts";
import { wholeId } from "../whole-id.ts";
import { addFollow } from "./events-follow.ts";

const filters = [
  "status",
  "handler",
  "event_type",
  "source",
  "entity_type",
  "entity_id",
  "correlation_id",
  "since",
  "until",
  "limit",
  "cursor",
  "after",
] as const;

export function addEvents(program: Command, world: World): void {
  const events = program.command("events").description("read events");

  addFilters(events.command("ls").description("list events, newest first"), filters).action(async (options, command) => {
    const session = openSession(command, world);
    const reply = await session.client.get<EventsReply>("/events", await queryOf(session, filters, options));
    printList(session.terminal, session, { reply, rows: reply.events, columns: eventColumns, id: ({ id }) => id, empty: "No event matches." });
    hintNext(session, "--cursor", reply.next_cursor);
  });

  addFilters(events.command("show <id>").description("show one event with its deliveries"), ["as", "after"]).action(async (id, options, command) => {
    const session = openSession(command, world);
    const whole = await wholeId(session.client, "event", id);
    const event = await session.client.get<EventReply>(at`/events/${whole}`, await queryOf(session, ["as", "after"], options));
    printOne(session.terminal, session, event, event.id, (width) => eventText(event, width));
  });

  addFollow(events, world);
}

export const eventColumns: readonly Column<EventReply>[] = [
  ["ID", ({ id }) => id],
  ["ENTITY", ({ entity }) => `${entity.type}/${entity.id}`],
  ["REVISION", ({ revision }) => revision],
  ["TYPE", ({ type }) => type],
  ["VERSION", versionText, () => []],
  ["RECORDED", ({ recorded_at }) => timeText(recorded_at), (event) => [`version ${versionText(event)}, recorded ${timeText(event.recorded_at)}`]],
  ["DELIVERIES", deliveriesText, (event) => [deliveriesText(event)]],
];

/** `3`, or `1→3` when it was stored as version 1. */
function versionText({ schema_version, stored }: EventReply): string {
  return schema_version === stored.schema_version ? String(schema_version) : `${stored.schema_version}→${schema_version}`;
}

function deliveriesText({ deliveries }: EventReply): string | null {
  return deliveries.map(({ handler, status }) => `${handler} ${status}`).join(", ") || null;
}

function eventText(event: EventReply, width: number | undefined): string {
  const lifted = event.schema_version !== event.stored.schema_version || event.type !== event.stored.type;
  return [
    fields([
      ["id", event.id],
      ["type", event.type],
      ["version", lifted ? `${event.schema_version} (stored: ${event.stored.type} ${event.stored.schema_version})` : event.schema_version],
      ["entity", `${event.entity.type}/${event.entity.id}`],
      ["revision", event.revision],
      ["position", event.position],
      ["source", event.source],
      ["occurred", event.occurred_at],
      ["recorded", event.recorded_at],
      ["priority", event.priority],
      ["correlation", event.correlation_id],
      ["causation", event.causation_id],
      ["traceparent", event.traceparent],
      ["call chain", event.call_chain?.join(" → ")],
      ["context", event.context_refs?.map(({ kind, ref }) => `${kind}:${ref}`).join(", ")],
      ["extensions", event.extensions && JSON.stringify(event.extensions)],
      ["data error", event.data_error],
      ["dropped", event.dropped],
    ]),
    hasData(event) ? section("data", json(event.data)) : "",
    ...(event.parts ?? []).map((part, index) => section(`part ${index + 1}: ${part.type} ${part.schema_version} (${part.id})`, json(part.data))),
    lifted ? section(`stored data (${event.stored.type} ${event.stored.schema_version})`, json(event.stored.data)) : "",
    tableSection(
      "deliveries",
      event.deliveries,
      [
        ["HANDLER", ({ handler }) => handler],
        ["STATUS", ({ status }) => status],
        ["ATTEMPTS", ({ attempts }) => attempts],
        ["PROCESSED", ({ processed_at }) => timeText(processed_at)],
        [
          "NEXT ATTEMPT",
          ({ next_attempt_at }) => timeText(next_attempt_at),
          ({ next_attempt_at: at }) => (at === null ? [] : [`next attempt at ${timeText(at)}`]),
        ],
        ["ERROR", ({ error }) => failureText(error), ({ error }) => [failureText(error)]],
      ],
      width,
    ),
    doneText(event, width),
  ].join("");
}

/** What was done about its deliveries: by handlers outside, and by people. */
function doneText({ deliveries }: EventReply, width: number | undefined): string {
  return [
    tableSection(
      "effects",
      deliveries.flatMap(({ handler, effects }) => effects.map((effect) => ({ handler, ...effect }))),
      [
        ["HANDLER", ({ handler }) => handler],
        ["KEY", ({ key }) => key],
        ["AT", ({ at }) => timeText(at)],
        ["REPLAY", ({ replay_id }) => replay_id, ({ replay_id }) => [replay_id && `replay ${replay_id}`]],
      ],
      width,
    ),
    tableSection(
      "amendments",
      deliveries.flatMap(({ handler, amendments }) => amendments.map((amendment) => ({ handler, ...amendment }))),
      [
        ["HANDLER", ({ handler }) => handler],
        ["AT", ({ at }) => timeText(at)],
        ["BY", ({ actor }) => actor],
        ["MIGRATION", ({ migration }) => migration],
        ["REASON", ({ reason }) => reason, ({ reason }) => [reason]],
      ],
      width,
    ),
    tableSection(
      "decisions",
      deliveries.flatMap(({ handler, acts }) => acts.map((act) => ({ handler, ...act }))),
      [["HANDLER", ({ handler }) => handler], ...actColumns],
      width,
    ),
  ].join("");
}

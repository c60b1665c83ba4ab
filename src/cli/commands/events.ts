import type { Command } from "commander";
import type { EventReply, EventsReply } from "../../http/wire/replies.ts";
import { at } from "../client.ts";
import { addFilters, hintNext, openSession, toQuery, type World } from "../command.ts";
import { type Column, failureText, fields, json, printList, printOne, section, table, timeText } from "../print.ts";

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
    const reply = await session.client.get<EventsReply>("/events", toQuery(filters, options));
    printList(session.terminal, session, { reply, rows: reply.events, columns: eventColumns, id: ({ id }) => id, empty: "No event matches." });
    hintNext(session, "--cursor", reply.next_cursor);
  });

  addFilters(events.command("show <id>").description("show one event with its deliveries"), ["after"]).action(async (id, options, command) => {
    const session = openSession(command, world);
    const event = await session.client.get<EventReply>(at`/events/${id}`, toQuery(["after"], options));
    printOne(session.terminal, session, event, event.id, () => eventText(event));
  });
}

export const eventColumns: readonly Column<EventReply>[] = [
  ["ID", ({ id }) => id],
  ["ENTITY", ({ entity }) => `${entity.type}/${entity.id}`],
  ["REVISION", ({ revision }) => revision],
  ["TYPE", ({ type }) => type],
  ["VERSION", ({ schema_version, stored }) => (schema_version === stored.schema_version ? schema_version : `${stored.schema_version}→${schema_version}`)],
  ["RECORDED", ({ recorded_at }) => timeText(recorded_at)],
  ["DELIVERIES", ({ deliveries }) => deliveries.map(({ handler, status }) => `${handler} ${status}`).join(", ") || null],
];

function eventText(event: EventReply): string {
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
    ]),
    event.data_error === null ? section("data", json(event.data)) : "",
    lifted ? section(`stored data (${event.stored.type} ${event.stored.schema_version})`, json(event.stored.data)) : "",
    event.deliveries.length === 0
      ? ""
      : section(
          "deliveries",
          table(event.deliveries, [
            ["HANDLER", ({ handler }) => handler],
            ["STATUS", ({ status }) => status],
            ["ATTEMPTS", ({ attempts }) => attempts],
            ["NEXT ATTEMPT", ({ next_attempt_at }) => timeText(next_attempt_at)],
            ["PROCESSED", ({ processed_at }) => timeText(processed_at)],
            ["ERROR", ({ error }) => failureText(error)],
          ]),
        ),
  ].join("");
}

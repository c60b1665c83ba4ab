import type { Command } from "commander";
import type { EntitiesReply, EntityEventsReply, EntityReply } from "../../http/wire/replies.ts";
import { at } from "../client.ts";
import { addFilters, hintNext, openSession, parseEntity, toQuery, type World } from "../command.ts";
import { type Column, failureText, fields, printList, printOne, section, table, timeText } from "../print.ts";
import { eventColumns } from "./events.ts";

const listFilters = ["lane_state", "handler", "entity_type", "limit", "cursor", "after"] as const;
const eventFilters = ["from", "limit", "direction", "as", "after"] as const;

export function addEntities(program: Command, world: World): void {
  const entities = program.command("entities").description("read entities and their lanes");

  addFilters(entities.command("ls").description("list entities with the state of their lanes"), listFilters).action(async (options, command) => {
    const session = openSession(command, world);
    const reply = await session.client.get<EntitiesReply>("/entities", toQuery(listFilters, options));
    printList(session.terminal, session, { reply, rows: reply.entities, columns, id: name, empty: "No entity matches." });
    hintNext(session, "--cursor", reply.next_cursor);
  });

  addFilters(entities.command("show <type/id>").description("show one entity with its lanes"), ["after"]).action(async (which, options, command) => {
    const session = openSession(command, world);
    const { type, id } = parseEntity(which);
    const entity = await session.client.get<EntityReply>(at`/entities/${type}/${id}`, toQuery(["after"], options));
    printOne(session.terminal, session, entity, name(entity), () => entityText(entity));
  });

  addFilters(entities.command("events <type/id>").description("read one entity's events by revision"), eventFilters).action(async (which, options, command) => {
    const session = openSession(command, world);
    const { type, id } = parseEntity(which);
    const reply = await session.client.get<EntityEventsReply>(at`/entities/${type}/${id}/events`, toQuery(eventFilters, options));
    printList(session.terminal, session, { reply, rows: reply.events, columns: eventColumns, id: (event) => event.id, empty: "There are no events there." });
    hintNext(session, "--from", reply.next_from);
  });
}

const columns: readonly Column<EntityReply>[] = [
  ["ENTITY", name],
  ["REVISION", ({ revision }) => revision],
  ["LAST EVENT", ({ last_event_at }) => timeText(last_event_at)],
  ["WAITING", ({ handlers }) => handlers.reduce((sum, { waiting }) => sum + waiting, 0)],
  ["LANES", ({ handlers }) => handlers.map(({ handler, lane_state, why }) => `${handler} ${lane_state}${why === null ? "" : ` (${why})`}`).join(", ") || null],
];

function name({ entity }: EntityReply): string {
  return `${entity.type}/${entity.id}`;
}

function entityText(entity: EntityReply): string {
  const lanes = table(entity.handlers, [
    ["HANDLER", ({ handler }) => handler],
    ["LANE", ({ lane_state }) => lane_state],
    ["WAITING", ({ waiting }) => waiting],
    ["NEXT", ({ next_revision }) => next_revision],
    ["HEAD", ({ head }) => head && `${head.revision} ${head.status}`],
    ["NEXT ATTEMPT", ({ head }) => timeText(head?.next_attempt_at ?? null)],
    ["WHY", ({ why }) => why],
    ["ERROR", ({ head }) => failureText(head?.error ?? null)],
  ]);
  const facts = fields([
    ["entity", name(entity)],
    ["tenant", entity.tenant],
    ["revision", entity.revision],
    ["last event", entity.last_event_at],
  ]);
  return facts + (entity.handlers.length === 0 ? "" : section("lanes", lanes));
}

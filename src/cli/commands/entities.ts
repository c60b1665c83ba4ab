import type { Command } from "commander";
import type { EntitiesReply, EntityEventsReply, EntityReply, LaneActReply } from "../../http/wire/entities.ts";
import { at } from "../client.ts";
import { addFilters, hint, hintNext, openSession, parseEntity, queryOf, type World } from "../command.ts";
import { type Column, countText, fields, printList, printOne, tableSection, timeText } from "../print.ts";
import { eventColumns } from "./events.ts";

const listFilters = ["lane_state", "handler", "entity_type", "limit", "cursor", "after"] as const;
const eventFilters = ["from", "limit", "direction", "as", "after"] as const;

export function addEntities(program: Command, world: World): void {
  const entities = program.command("entities").description("read entities and their lanes; pause, resume and retry them");

  addFilters(entities.command("ls").description("list entities with the state of their lanes"), listFilters).action(async (options, command) => {
    const session = openSession(command, world);
    const reply = await session.client.get<EntitiesReply>("/entities", await queryOf(session, listFilters, options));
    printList(session.terminal, session, { reply, rows: reply.entities, columns, id: name, empty: "No entity matches." });
    hintNext(session, "--cursor", reply.next_cursor);
  });

  addFilters(entities.command("show <type/id>").description("show one entity with its lanes"), ["after"]).action(async (which, options, command) => {
    const session = openSession(command, world);
    const { type, id } = parseEntity(which);
    const entity = await session.client.get<EntityReply>(at`/entities/${type}/${id}`, await queryOf(session, ["after"], options));
    printOne(session.terminal, session, entity, name(entity), (width) => entityText(entity, width));
  });

  addFilters(entities.command("events <type/id>").description("read one entity's events by revision"), eventFilters).action(async (which, options, command) => {
    const session = openSession(command, world);
    const { type, id } = parseEntity(which);
    const reply = await session.client.get<EntityEventsReply>(at`/entities/${type}/${id}/events`, await queryOf(session, eventFilters, options));
    printList(session.terminal, session, { reply, rows: reply.events, columns: eventColumns, id: (event) => event.id, empty: "There are no events there." });
    if (reply.archived !== null && options.as !== "archived")
      hint(session, `Its events before revision ${reply.archived.before} are archived. To read them, too: reprise entities events ${which} --as archived`);
    hintNext(session, "--from", reply.next_from);
  });

  for (const [verb, done, description] of [
    ["pause", "paused", "start nothing of an entity until it is resumed; it keeps its place in line"],
    ["resume", "resumed", "let a paused entity go on where it was"],
    ["retry", "retried", "try now what waits for its retry"],
  ] as const)
    entities
      .command(`${verb} <type/id>`)
      .description(description)
      .option("--handler <name>", "for this handler only (default: each that wants its events)")
      .option("--reason <text>", "why, for the record")
      .action(async (name: string, body: { readonly handler?: string; readonly reason?: string }, command: Command) => {
        const session = openSession(command, world);
        const { type, id } = parseEntity(name);
        const { reply } = await session.client.post<LaneActReply>(at`/entities/${type}/${id}/` + verb, { body });
        printOne(session.terminal, session, reply, name, () => `${name} is ${done} for ${reply.handlers.join(", ")}.\n`);
        if (verb === "pause") hint(session, `To let it go on: reprise entities resume ${name}`);
      });
}

const columns: readonly Column<EntityReply>[] = [
  ["ENTITY", name],
  ["REVISION", ({ revision }) => revision],
  ["LAST EVENT", ({ last_event_at }) => timeText(last_event_at)],
  ["WAITING", ({ handlers }) => handlers.reduce((sum, { waiting }) => sum + waiting, 0)],
  ["LANES", (entity) => trouble(entity).join("; ") || "all flow", trouble],
];

/** The lanes that do not simply flow, each with its reason. */
function trouble({ handlers }: EntityReply): readonly string[] {
  return handlers
    .filter(({ lane_state }) => lane_state !== "flowing")
    .map(({ handler, lane_state, why }) => (why === null ? `${handler} ${lane_state}` : `${handler} ${lane_state}: ${why}`));
}

function name({ entity }: EntityReply): string {
  return `${entity.type}/${entity.id}`;
}

function archivedFields(archived: EntityReply["archived"]): readonly (readonly [string, string])[] {
  if (archived === null) return [];
  return [["archived", `${countText(archived.events, "event")} before revision ${archived.before}, the last ones in ${archived.segment}`]];
}

function entityText(entity: EntityReply, width: number | undefined): string {
  const facts = fields([
    ["entity", name(entity)],
    ["tenant", entity.tenant],
    ["revision", entity.revision],
    ["last event", timeText(entity.last_event_at)],
    ...archivedFields(entity.archived),
  ]);
  const lanes = tableSection(
    "lanes",
    entity.handlers,
    [
      ["HANDLER", ({ handler }) => handler],
      ["LANE", ({ lane_state }) => lane_state],
      ["WAITING", ({ waiting }) => waiting],
      ["NEXT", ({ next_revision }) => next_revision],
      ["HEAD", ({ head }) => head && `${head.revision} ${head.status}`],
      ["WHY", ({ why }) => why, ({ why }) => [why]],
      ["HEAD'S EVENT", ({ head }) => head?.event_id, ({ head }) => [head && `event ${head.event_id}`]],
    ],
    width,
  );
  return facts + lanes;
}

import type { Command } from "commander";
import type { ErrorGroupActReply, ErrorGroupDetailReply, ErrorGroupReply, ErrorGroupsReply } from "../../http/wire/error-groups.ts";
import { at } from "../client.ts";
import { addFilters, hint, hintNext, openSession, queryOf, type World } from "../command.ts";
import { laterInstant } from "../instant.ts";
import { failureText, fields, printList, printOne, tableSection, timeText } from "../print.ts";

const listFilters = ["state", "handler", "event_type", "error_like", "since", "until", "limit", "cursor", "after"] as const;

/** `errors ls|show|resolve|ignore|reopen`. */
export function addErrors(program: Command, world: World): void {
  const errors = program.command("errors").description("failures that are alike: look, and say what becomes of them");
  addList(errors, world);
  addShow(errors, world);
  addActs(errors, world);
}

function addList(errors: Command, world: World): void {
  addFilters(errors.command("ls").description("list error groups, the one seen last first"), listFilters).action(async (options, command) => {
    const session = openSession(command, world);
    const reply = await session.client.get<ErrorGroupsReply>("/admin/errors", await queryOf(session, listFilters, options));
    printList(session.terminal, session, {
      reply,
      rows: reply.groups,
      columns: [
        ["FINGERPRINT", ({ fingerprint }) => fingerprint],
        ["HANDLER", ({ handler }) => handler],
        ["STATE", ({ state }) => state],
        ["COUNT", ({ count }) => count],
        ["WAITING", ({ waiting }) => waiting],
        ["LAST SEEN", ({ last_seen }) => timeText(last_seen), ({ last_seen }) => [timeText(last_seen)]],
        ["ERROR", (group) => failureText(group), (group) => [failureText(group)]],
      ],
      id: ({ fingerprint }) => fingerprint,
      empty: "No error group matches.",
    });
    hintNext(session, "--cursor", reply.next_cursor);
  });
}

function addShow(errors: Command, world: World): void {
  addFilters(errors.command("show <fingerprint>").description("show one error group, with its newest dead letters"), ["handler", "after"]).action(
    async (fingerprint: string, options, command) => {
      const session = openSession(command, world);
      const group = await session.client.get<ErrorGroupDetailReply>(at`/admin/errors/${fingerprint}`, await queryOf(session, ["handler", "after"], options));
      printOne(session.terminal, session, group, group.fingerprint, (width) => groupText(group, width));
      hint(
        session,
        `\nTo deliver its dead letters again: reprise dlq replay --error-group ${fingerprint} --reason …\nTo say that it is mended: reprise errors resolve ${fingerprint} --reason …`,
      );
    },
  );
}

function groupText(group: ErrorGroupDetailReply, width: number | undefined): string {
  return [
    fields([
      ["fingerprint", group.fingerprint],
      ["handler", group.handler],
      ["class", group.class],
      ["error", failureText(group)],
      ["failures", group.count],
      ["waiting", group.waiting],
      ["entities", group.entities],
      ["event types", listText(group.event_types, group.left_out.event_types)],
      ["versions", listText(group.schema_versions, group.left_out.schema_versions)],
      ["builds", listText(group.builds, group.left_out.builds)],
      ["first seen", timeText(group.first_seen)],
      ["last seen", timeText(group.last_seen)],
      ["example", group.example],
      ["state", stateText(group)],
      ["reason", group.state_reason],
    ]),
    tableSection(
      group.before > 0 ? `failures by the hour (${group.before} before)` : "failures by the hour",
      group.histogram,
      [
        ["HOUR", ({ at: hour }) => timeText(hour)],
        ["COUNT", ({ count }) => count],
      ],
      width,
    ),
    tableSection(
      group.waiting > group.letters.length ? `dead letters (the newest ${group.letters.length} of ${group.waiting})` : "dead letters",
      group.letters,
      [
        ["ID", ({ delivery_id }) => delivery_id],
        ["ENTITY", ({ entity }) => `${entity.type}/${entity.id}`],
        ["HELD", ({ waiting }) => waiting],
        ["SINCE", ({ dead_lettered_at }) => timeText(dead_lettered_at)],
        ["ERROR", ({ error }) => failureText(error), ({ error }) => [failureText(error)]],
      ],
      width,
    ),
  ].join("");
}

const listText = (list: readonly (string | number)[], leftOut: number): string | null =>
  list.length === 0 ? null : `${list.join(", ")}${leftOut > 0 ? `, and ${leftOut} before` : ""}`;

function stateText({ state, state_by, state_at, fixed_in, ignored_until }: ErrorGroupReply): string {
  const by = state_by === null ? "" : ` by ${state_by}, ${timeText(state_at)}`;
  const more = fixed_in === null ? (ignored_until === null ? "" : `, until ${timeText(ignored_until)}`) : `, mended in build ${fixed_in}`;
  return `${state}${by}${more}`;
}

function addActs(errors: Command, world: World): void {
  const acts = [
    ["resolve", "say that an error group is mended; it opens again when it is seen again"],
    ["ignore", "leave an error group out of the way, for a time or for good"],
    ["reopen", "open an error group again"],
  ] as const;
  for (const [verb, description] of acts) {
    const command = errors
      .command(`${verb} <fingerprint>`)
      .description(description)
      .option("--handler <name>", "of this handler, where several make the fingerprint")
      .option("--reason <text>", "why, for the record");
    if (verb === "resolve") command.option("--build <name>", "the build that mends it: failures of builds before it say nothing");
    if (verb === "ignore")
      command.option("--until <time>", "up to this RFC 3339 time, or so long from now: 30m, 12h, 7d", (text) => laterInstant("--until", text));
    command.action(async (fingerprint: string, { handler, reason, build, until }: Readonly<Record<string, string | undefined>>, acting: Command) => {
      const session = openSession(acting, world);
      const { reply } = await session.client.post<ErrorGroupActReply>(at`/admin/errors/${fingerprint}/` + verb, {
        query: handler === undefined ? {} : { handler },
        body: { reason, build, until },
      });
      printOne(session.terminal, session, reply, reply.fingerprint, () => `Error group ${reply.fingerprint} of ${reply.handler} is ${reply.state}.\n`);
    });
  }
}

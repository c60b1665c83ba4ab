import { type Command, Option } from "commander";
import type { EscalationActReply, EscalationReply, EscalationsReply } from "../../http/wire/escalations.ts";
import { at } from "../client.ts";
import { addFilters, confirm, hint, hintNext, openSession, queryOf, type World } from "../command.ts";
import { exit, Failure } from "../exit.ts";
import { type Column, fields, json, printList, printOne, section, timeText } from "../print.ts";
import { wholeId, wholeIds } from "../whole-id.ts";
import { type Asked, each } from "./dlq/each-letter.ts";

/** `escalations ls|show|approve|reject`. */
export function addEscalations(program: Command, world: World): void {
  const escalations = program.command("escalations").description("read what waits for a person's decision, and decide");
  addList(escalations, world);
  addShow(escalations, world);
  addDecisions(escalations, world);
}

const statuses = ["open", "approved", "rejected", "expired"] as const satisfies readonly EscalationReply["status"][];
const listFilters = ["handler", "limit", "cursor", "after"] as const;

function addList(escalations: Command, world: World): void {
  addFilters(
    escalations
      .command("ls")
      .description("list what waits for a decision, newest first; with --status also what was decided")
      .addOption(new Option("--status <status>", "open (default), approved, rejected, expired, or all").choices([...statuses, "all"]).default("open")),
    listFilters,
  ).action(async (options, command) => {
    const session = openSession(command, world);
    const status = options.status === "all" ? {} : { status: options.status as string };
    const reply = await session.client.get<EscalationsReply>("/admin/escalations", { ...status, ...(await queryOf(session, listFilters, options)) });
    const empty = options.status === "open" ? "Nothing waits for a decision." : "No escalation matches.";
    printList(session.terminal, session, { reply, rows: reply.escalations, columns, id: ({ delivery_id }) => delivery_id, empty });
    hintNext(session, "--cursor", reply.next_cursor);
  });
}

const columns: readonly Column<EscalationReply>[] = [
  ["ID", ({ delivery_id }) => delivery_id],
  ["HANDLER", ({ handler }) => handler],
  ["ENTITY", ({ entity }) => `${entity.type}/${entity.id}`],
  ["STATUS", ({ status }) => status],
  ["DUE", ({ due_at }) => (due_at === null ? null : timeText(due_at))],
  ["BY", ({ decided_by }) => decided_by, () => []],
  ["WHY", ({ why }) => why, ({ why }) => [why]],
];

function addShow(escalations: Command, world: World): void {
  addFilters(escalations.command("show <delivery-id>").description("show what a person is to decide, with the event's data"), ["after"]).action(
    async (id: string, options, command) => {
      const session = openSession(command, world);
      const delivery = await wholeId(session.client, "escalation", id);
      const query = { delivery_id: delivery, limit: "1", ...(await queryOf(session, ["after"], options)) };
      const [found] = (await session.client.get<EscalationsReply>("/admin/escalations", query)).escalations;
      if (found === undefined) throw new Failure(exit.refused, `No delivery ${delivery} waits, or waited, for a decision.`);
      printOne(session.terminal, session, found, found.delivery_id, () => escalationText(found));
      if (found.status === "open")
        hint(
          session,
          `\nTo let it run: reprise escalations approve ${found.delivery_id} --reason …\nTo discard it: reprise escalations reject ${found.delivery_id} --reason …`,
        );
    },
  );
}

function escalationText(found: EscalationReply): string {
  return [
    fields([
      ["delivery", found.delivery_id],
      ["event", found.event_id],
      ["handler", found.handler],
      ["entity", `${found.entity.type}/${found.entity.id}`],
      ["revision", found.revision],
      ["type", found.event_type],
      ["part", found.part === null ? null : found.part + 1],
      ["why", found.why],
      ["when", found.when === "before" ? "before the handler was called" : "after the handler was called"],
      ["status", found.status],
      ["asked", found.created_at],
      ["due", found.due_at],
      ["decided", found.decided_at],
      ["by", found.decided_by],
      ["reason", found.reason],
      ["data error", found.data_error],
    ]),
    found.data_error === null ? section("data", json(found.data)) : "",
  ].join("");
}

function addDecisions(escalations: Command, world: World): void {
  for (const [verb, description] of [
    ["approve", "let deliveries run that wait for a decision: each once, in its place in line"],
    ["reject", "discard deliveries that wait for a decision; what waits behind them goes on"],
  ] as const)
    escalations
      .command(`${verb} <delivery-id...>`)
      .description(description)
      .requiredOption("--reason <text>", "why, for the record")
      .action(async (ids: readonly string[], { reason }: { readonly reason: string }, command: Command) => {
        const session = openSession(command, world);
        const whole = await wholeIds(session.client, "escalation", ids);
        if (ids.length > 1 && session.terminal.interactive) await confirm(session, `${verb === "approve" ? "Approve" : "Reject"} ${ids.length} deliveries?`);
        world.exitCode = await each<EscalationActReply>(session, whole, decidedColumns, async (id) => {
          const { reply } = await session.client.post<EscalationActReply>(at`/admin/escalations/${id}/` + verb, { body: { reason } });
          return { row: { ...reply, asked: id }, ok: true };
        });
      });
}

const decidedColumns: readonly Column<Asked<EscalationActReply>>[] = [
  ["ID", ({ asked }) => asked],
  ["STATUS", ({ status }) => status],
  ["HANDLER", ({ handler }) => handler],
  ["ENTITY", ({ entity }) => `${entity.type}/${entity.id}`],
];

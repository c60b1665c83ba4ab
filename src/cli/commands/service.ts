import type { Command } from "commander";
import type { HandlerActReply, HandlerRepairReply, HandlersReply, RebuildReply, RepartitionReply, RetiredReply } from "../../http/wire/service.ts";
import { at } from "../client.ts";
import { addFilters, confirmMany, hint, openSession, queryOf, type World } from "../command.ts";
import { usage } from "../exit.ts";
import { type Column, countText, durationText, printList, printOne } from "../print.ts";
import { addViewsVerify } from "./views-verify.ts";

/** `handlers ls|pause|resume|repair|repartition|retire` and `views rebuild|verify`. */
export function addService(program: Command, world: World): void {
  const handlers = program.command("handlers").description("read handlers, pause, resume and retire them");
  addHandlerList(handlers, world);
  addPauses(handlers, world);
  addRetire(handlers, world);
  addRepair(handlers, world);
  addRepartition(handlers, world);
  addRebuild(program, world);
}

function addHandlerList(handlers: Command, world: World): void {
  addFilters(handlers.command("ls").description("list handlers with what is done and what waits"), ["after"]).action(async (options, command) => {
    const session = openSession(command, world);
    const reply = await session.client.get<HandlersReply>("/handlers", await queryOf(session, ["after"], options));
    printList(session.terminal, session, {
      reply,
      rows: reply.handlers,
      columns: [
        ["HANDLER", ({ name }) => name],
        ["STATE", ({ state }) => state],
        ["WANTED", ({ wanted }) => wanted],
        ["DONE", ({ done }) => done],
        ["WAITING", ({ waiting }) => waiting],
        ["RETRYING", ({ by_status }) => by_status.failed],
        ["DEAD", ({ by_status }) => by_status.dead_lettered + by_status.escalated],
        ["HELD", ({ by_status }) => by_status.held],
        ["BLOCKED LANES", ({ lanes }) => lanes.blocked, () => []],
        ["LAG", ({ lag_events, lag_seconds }) => (lag_events === 0 ? "none" : `${countText(lag_events, "event")}, ${durationText(lag_seconds)}`)],
        ...(reply.handlers.some(({ archived }) => archived.done + archived.missed > 0) ? [archivedColumn] : []),
        ["ORDERING", ({ ordering }) => ordering, () => []],
        ["WHY", ({ why }) => why, ({ why }) => [why]],
      ],
      id: ({ name }) => name,
      empty: "The config has no handlers.",
    });
  });
}

/** Shown where anything was archived. */
const archivedColumn: Column<HandlersReply["handlers"][number]> = [
  "ARCHIVED",
  ({ archived: { done, missed } }) => (missed === 0 ? done : `${done}, and ${missed} before it came`),
];

function addPauses(handlers: Command, world: World): void {
  for (const [verb, description] of [
    ["pause", "start nothing of a handler until it is resumed; what runs ends"],
    ["resume", "let a paused handler go on where it was"],
  ] as const)
    handlers
      .command(`${verb} <name>`)
      .description(description)
      .option("--reason <text>", "why, for the record")
      .action(async (name: string, { reason }: { readonly reason?: string }, command: Command) => {
        const session = openSession(command, world);
        const { reply } = await session.client.post<HandlerActReply>(at`/handlers/${name}/` + verb, { body: { reason } });
        printOne(session.terminal, session, reply, reply.name, () => `Handler ${reply.name} is ${reply.state}.\n`);
        if (verb === "pause") hint(session, `To let it go on: reprise handlers resume ${name}`);
      });
}

function addRetire(handlers: Command, world: World): void {
  handlers
    .command("retire <name>")
    .description("discard, for good, all that waits for a handler that the config has no more; it is shown no more")
    .requiredOption("--reason <text>", "why, for the record")
    .action(async (name: string, { reason }: { readonly reason: string }, command: Command) => {
      const session = openSession(command, world);
      const { handlers: known } = await session.client.get<HandlersReply>("/handlers");
      const waiting = known.find((handler) => handler.name === name && handler.state === "absent")?.waiting ?? 0;
      if (waiting > 0) await confirmMany(session, `discard for good ${countText(waiting, "event")} that ${waiting === 1 ? "waits" : "wait"} for ${name}`);
      const { reply } = await session.client.post<RetiredReply>(at`/handlers/${name}/retire`, { body: { reason } });
      printOne(session.terminal, session, reply, reply.name, () => `Handler ${reply.name} is retired: ${countText(reply.discarded, "event")} discarded.\n`);
    });
}

function addRepair(handlers: Command, world: World): void {
  handlers
    .command("repair <name>")
    .description("skip what another program wrote into a handler's journal, on record, and let the handler work again")
    .requiredOption("--reason <text>", "why, for the record")
    .action(async (name: string, { reason }: { readonly reason: string }, command: Command) => {
      const session = openSession(command, world);
      const { reply } = await session.client.post<HandlerRepairReply>(at`/handlers/${name}/repair`, { body: { reason } });
      printOne(session.terminal, session, reply, reply.name, () => `Handler ${reply.name} is ${reply.state}: ${countText(reply.skipped, "event")} skipped.\n`);
    });
}

function addRepartition(handlers: Command, world: World): void {
  handlers
    .command("repartition <name>")
    .description("divide a handler's entities into another number of partitions; nothing of it is delivered meanwhile")
    .requiredOption("--partitions <n>", "how many, 1 to 64")
    .option("--reason <text>", "why, for the record")
    .action(async (name: string, { partitions: given, reason }: { readonly partitions: string; readonly reason?: string }, command: Command) => {
      const session = openSession(command, world);
      if (!/^\d+$/.test(given)) throw usage(`--partitions is ${JSON.stringify(given)}: it must be a whole number from 1 to 64.`);
      const { reply } = await session.client.post<RepartitionReply>(at`/handlers/${name}/repartition`, { body: { partitions: Number(given), reason } });
      printOne(session.terminal, session, reply, reply.name, () => `${repartitionText(reply)}\n`);
      if (reply.state === "repartitioned") hint(session, `Give the config of ${name} the same number: it counts for a log on which the handler is new.`);
    });
}

function repartitionText({ name, state, partitions, partitions_before: before }: RepartitionReply): string {
  const many = partitions === 1 ? "1 partition" : `${partitions} partitions`;
  if (state === "unchanged") return `Handler ${name} has ${many} already: there is nothing to do.`;
  if (state === "repartitioning")
    return `Handler ${name} is being divided into ${many}; it goes on. \`reprise handlers ls\` shows when the handler works again.`;
  return `Handler ${name} has ${many} now, in place of ${before}.`;
}

function addRebuild(program: Command, world: World): void {
  const views = program.command("views").description("the rows computed from the log");
  addViewsVerify(views, world);
  views
    .command("rebuild")
    .description("compute all rows again beside the old ones, and swap when caught up")
    .option("--reason <text>", "why, for the record")
    .action(async ({ reason }, command) => {
      const session = openSession(command, world);
      const { reply } = await session.client.post<RebuildReply>("/views/rebuild", { body: { reason } });
      printOne(session.terminal, session, reply, reply.position, () => "The views are being rebuilt; the old rows answer until the new ones have caught up.\n");
    });
}

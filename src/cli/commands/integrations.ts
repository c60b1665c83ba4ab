import type { Command } from "commander";
import type { IntegrationActReply, IntegrationsReply } from "../../http/wire/integrations.ts";
import { at } from "../client.ts";
import { addFilters, hint, openSession, queryOf, type World } from "../command.ts";
import { printList, printOne } from "../print.ts";

/** `integrations ls|isolate|reset`. */
export function addIntegrations(program: Command, world: World): void {
  const integrations = program.command("integrations").description("read what handlers call and share, isolate it and let it go on");
  addList(integrations, world);
  addActs(integrations, world);
}

function addList(integrations: Command, world: World): void {
  addFilters(integrations.command("ls").description("list integrations with the state of their breakers"), ["after"]).action(async (options, command) => {
    const session = openSession(command, world);
    const reply = await session.client.get<IntegrationsReply>("/integrations", await queryOf(session, ["after"], options));
    printList(session.terminal, session, {
      reply,
      rows: reply.integrations,
      columns: [
        ["INTEGRATION", ({ name }) => name],
        ["STATE", ({ state }) => state],
        ["SINCE", ({ since }) => since],
        ["UNTIL", ({ until, gated_until }) => until ?? gated_until],
        ["FAILURES", ({ failures }) => failures],
        ["WAITING", ({ waiting }) => waiting],
        ["HANDLERS", ({ handlers }) => handlers.join(", "), ({ handlers }) => [handlers.join(", ")]],
      ],
      id: ({ name }) => name,
      empty: "No handler of the config names an integration or has a breaker.",
    });
  });
}

function addActs(integrations: Command, world: World): void {
  for (const [verb, description] of [
    ["isolate", "call nothing of an integration's handlers until it is reset; what runs ends"],
    ["reset", "close an integration's breaker, whatever opened it; its handlers go on"],
  ] as const)
    integrations
      .command(`${verb} <name>`)
      .description(description)
      .option("--reason <text>", "why, for the record")
      .action(async (name: string, { reason }: { readonly reason?: string }, command: Command) => {
        const session = openSession(command, world);
        const { reply } = await session.client.post<IntegrationActReply>(at`/integrations/${name}/` + verb, { body: { reason } });
        printOne(session.terminal, session, reply, reply.name, () => `Integration ${reply.name} is ${reply.state}.\n`);
        if (verb === "isolate") hint(session, `To let its handlers go on: reprise integrations reset ${name}`);
      });
}

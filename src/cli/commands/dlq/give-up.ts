import type { Command } from "commander";
import type { GivenUpReply } from "../../../http/wire/deliveries.ts";
import { at } from "../../client.ts";
import { hint, openSession, type World } from "../../command.ts";
import { printOne } from "../../print.ts";
import { wholeId } from "../../whole-id.ts";

export function addGiveUp(dlq: Command, world: World): void {
  dlq
    .command("give-up <delivery-id>")
    .description("make a dead letter, now, of a delivery that waits for its next attempt")
    .requiredOption("--reason <text>", "why, for the record")
    .action(async (id: string, { reason }: { readonly reason: string }, command: Command) => {
      const session = openSession(command, world);
      const { reply } = await session.client.post<GivenUpReply>(at`/deliveries/${await wholeId(session.client, "retrying", id)}/give-up`, { body: { reason } });
      printOne(session.terminal, session, reply, reply.delivery_id, () => `Delivery ${reply.delivery_id} to ${reply.handler} is a dead letter now.\n`);
      hint(
        session,
        `To deliver it again: reprise dlq replay ${reply.delivery_id} --reason …\nTo give it up for good: reprise dlq discard ${reply.delivery_id} --reason …`,
      );
    });
}

import type { Command } from "commander";
import type { ReplayActReply } from "../../../http/wire/replays-replies.ts";
import { at } from "../../client.ts";
import { openSession, type Session, type World } from "../../command.ts";
import { fields, printOne } from "../../print.ts";
import { wholeId } from "../../whole-id.ts";
import { numberOf } from "./number-of.ts";

/** Acts on a replay that is under way: pause, resume, cancel, rate. */
export function addSteering(replay: Command, world: World): void {
  const verbs = {
    pause: "start nothing further until it is resumed",
    resume: "go on with a paused replay",
    cancel: "end it: nothing of it starts any more, and what it did stays done",
  };
  for (const [verb, description] of Object.entries(verbs))
    replay
      .command(`${verb} <id>`)
      .description(description)
      .option("--reason <text>", "why, for the record")
      .action(async (id: string, { reason }, command) => {
        const session = openSession(command, world);
        const { reply } = await session.client.post<ReplayActReply>(`${at`/replays/${await wholeId(session.client, "replay", id)}`}/${verb}`, {
          body: { reason },
        });
        printActed(session, reply);
      });

  replay
    .command("rate <id> <n>")
    .description("deliver so many a second from now on; `none` takes the limit away")
    .option("--reason <text>", "why, for the record")
    .action(async (id: string, rate: string, { reason }, command) => {
      const session = openSession(command, world);
      const body = { rate_per_second: rate === "none" ? null : numberOf("<n>", rate), reason };
      printActed(session, await session.client.patch<ReplayActReply>(at`/replays/${await wholeId(session.client, "replay", id)}`, body));
    });
}

function printActed(session: Session, reply: ReplayActReply): void {
  printOne(session.terminal, session, reply, reply.replay_id, () =>
    fields([
      ["replay", reply.replay_id],
      ["status", reply.status],
    ]),
  );
}

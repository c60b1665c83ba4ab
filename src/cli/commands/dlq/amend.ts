import type { Command } from "commander";
import type { DeadLetterDetailReply, LetterActReply } from "../../../http/wire/dead-letters-replies.ts";
import { at } from "../../client.ts";
import { hint, openSession, type World } from "../../command.ts";
import { fields, printOne, section, tableSection, timeText } from "../../print.ts";
import { readData } from "../../read-text.ts";
import { wholeId } from "../../whole-id.ts";

/** `dlq amend`. */
export function addAmend(dlq: Command, world: World): void {
  dlq
    .command("amend <id>")
    .description("give a dead letter other data, of its stored version; it is delivered by the next replay")
    .requiredOption("--data <json>", "the whole new data: JSON, @<file>, or - for standard input")
    .requiredOption("--reason <text>", "why, for the record")
    .option("--handler <name>", "of this handler, when several dead-lettered the event")
    .action(async (id: string, flags: { readonly data: string; readonly reason: string; readonly handler?: string }, command: Command) => {
      const session = openSession(command, world);
      const data = await readData(flags.data, session.terminal, "There is no data: write it as --data '{…}', or name a file, --data @file.json.");
      const act = JSON.stringify({ reason: flags.reason, handler: flags.handler });
      const { reply } = await session.client.post<LetterActReply>(at`/admin/dlq/${await wholeId(session.client, "letter", id)}/amend`, {
        json: `${act.slice(0, -1)},"data":${data}}`,
      });
      printOne(session.terminal, session, reply, reply.delivery_id, (width) => amendedText(reply, width));
      hint(session, `\nNothing was delivered yet. To deliver it: reprise dlq replay ${reply.delivery_id} --reason …`);
    });
}

function amendedText(letter: LetterActReply, width: number | undefined): string {
  return (
    fields([
      ["event", letter.id],
      ["delivery", letter.delivery_id],
      ["handler", letter.handler],
      ["amended", timeText(letter.amended_at)],
    ]) + amendmentText(letter, width)
  );
}

/** What is delivered in place of what is stored, and who decided so. */
export function amendmentText({ amendment, amendments }: DeadLetterDetailReply, width: number | undefined): string {
  const changes =
    amendment === null
      ? ""
      : tableSection(
          amendment.changes_total > amendment.changes.length ? `changes to the stored data (first ${amendment.changes.length})` : "changes to the stored data",
          amendment.changes,
          [
            ["WHERE", ({ pointer }) => pointer],
            ["CHANGE", ({ op }) => op],
            ["FROM", ({ before }) => JSON.stringify(before), ({ before }) => [before === undefined ? null : `from ${JSON.stringify(before)}`]],
            ["TO", ({ after }) => JSON.stringify(after), ({ after }) => [after === undefined ? null : `to ${JSON.stringify(after)}`]],
          ],
          width,
        );
  const unchanged = amendment !== null && amendment.changes_total === 0 ? section("changes to the stored data", "none\n") : "";
  const acts = tableSection(
    "amendments, newest first",
    amendments,
    [
      ["AT", ({ at }) => timeText(at)],
      ["BY", ({ actor }) => actor],
      ["MIGRATION", ({ migration }) => migration],
      ["REASON", ({ reason }) => reason, ({ reason }) => [reason]],
    ],
    width,
  );
  return changes + unchanged + acts;
}

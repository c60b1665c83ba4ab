import type { Command } from "commander";
import type { DeadLetterReply, DeadLettersReply } from "../../../http/wire/dead-letters-replies.ts";
import { addFilters, deadLetterFilters, hintNext, openSession, queryOf, type World } from "../../command.ts";
import { type Column, countText, failureText, printList, timeText } from "../../print.ts";

const listFilters = [...deadLetterFilters, "limit", "offset", "cursor", "after"] as const;

export function addList(dlq: Command, world: World): void {
  addFilters(dlq.command("ls").description("list dead letters, newest event first"), listFilters).action(async (options, command) => {
    const session = openSession(command, world);
    const whole = session.output !== "table" && !session.quiet;
    const reply = await session.client.get<DeadLettersReply>("/admin/dlq", { ...(await queryOf(session, listFilters, options)), data: String(whole) });
    const shared = sharedIds(reply.events);
    const id = (letter: DeadLetterReply) => (shared.has(letter.id) ? letter.delivery_id : letter.id);
    printList(session.terminal, session, { reply, rows: reply.events, columns: [["ID", id], ...columns], id, empty: "No dead letter matches." });
    hintNext(session, "--cursor", reply.next_cursor, reply.total);
  });
}

const columns: readonly Column<DeadLetterReply>[] = [
  ["HANDLER", ({ handler }) => handler],
  ["ENTITY", ({ entity }) => `${entity.type}/${entity.id}`],
  ["HELD", ({ waiting }) => waiting],
  ["TYPE", ({ event_type }) => event_type, () => []],
  ["CAUSE", causeText, () => []],
  ["ATTEMPTS", ({ attempts }) => attempts, () => []],
  [
    "SINCE",
    ({ dead_lettered_at }) => timeText(dead_lettered_at),
    (letter) => [`${letter.event_type}: ${causeText(letter)}, ${countText(letter.attempts, "attempt")}, ${timeText(letter.dead_lettered_at)}`],
  ],
  ["ERROR", ({ error }) => failureText(error), ({ error }) => [failureText(error)]],
];

function causeText({ cause, status }: DeadLetterReply): string {
  return status === "escalated" ? `${cause} (escalated)` : cause;
}

/** Event ids that stand for several dead letters on the page. Only the delivery id says which of them is meant. */
function sharedIds(letters: readonly DeadLetterReply[]): ReadonlySet<string> {
  const seen = new Set<string>();
  return new Set(letters.map(({ id }) => id).filter((id) => seen.has(id) || !seen.add(id)));
}

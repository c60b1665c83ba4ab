import type { ReplayReportReply } from "../../../http/wire/replays-replies.ts";
import { at } from "../../client.ts";
import { hintNext, type Session } from "../../command.ts";
import { failureText, printList } from "../../print.ts";

export async function printReport(session: Session, replayId: string, page: { readonly limit?: string; readonly cursor?: string } = {}): Promise<void> {
  const reply = await session.client.get<ReplayReportReply>(`${at`/replays/${replayId}`}/report`, { ...page });
  printList(session.terminal, session, {
    reply,
    rows: reply.items,
    columns: [
      ["EVENT", ({ event_id }) => event_id],
      ["HANDLER", ({ handler }) => handler],
      ["ENTITY", ({ entity }) => `${entity.type}/${entity.id}`],
      ["REVISION", ({ revision }) => revision],
      ["OUTCOME", ({ outcome }) => outcome],
      ["DIFFERENCES", ({ differences }) => differencesText(differences), ({ differences }) => [differencesText(differences)]],
      ["ERROR", ({ error }) => failureText(error), ({ error }) => [failureText(error)]],
    ],
    id: ({ event_id }) => event_id,
    empty: "It has no deliveries.",
  });
  hintNext(session, "--report --cursor", reply.next_cursor);
}

type Differences = ReplayReportReply["items"][number]["differences"];

/** `/total: 9.95 → nothing`. */
function differencesText(differences: Differences): string | null {
  if (differences === null) return null;
  const side = (value: unknown): string => (value === undefined ? "nothing" : JSON.stringify(value));
  return differences.map(({ path, before, after }) => `${path === "" ? "data" : path}: ${side(before)} → ${side(after)}`).join("; ") || "none";
}

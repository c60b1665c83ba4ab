import type { EscalationReply, EscalationsReply } from "../../http/wire/escalations.ts";
import type { Matter } from "./matter.ts";
import { shellWord } from "./shell-word.ts";

/** Of one handler, in one line. */
const shownReasons = 3;

/** What waits for a person's decision, by handler. */
export function escalationMatters({ escalations, next_cursor: more }: EscalationsReply): readonly Matter[] {
  return Array.from(Map.groupBy(escalations, ({ handler }) => handler)).map(([handler, open]) => {
    const due = open.flatMap(({ due_at: at }) => (at === null ? [] : [at])).sort()[0];
    const told = `${more === null ? "" : "at least "}${open.length} ${open.length === 1 ? "delivery" : "deliveries"} of ${handler} ${open.length === 1 ? "waits" : "wait"}`;
    return {
      kind: "escalations",
      wrong: true,
      handler,
      count: open.length,
      found: `${told} for a person's decision: ${reasonsOf(open)}${due === undefined ? "" : ` (${open.length === 1 ? "" : "the first "}due ${due})`}`,
      next: `reprise escalations ls --handler ${shellWord(handler) ?? "…"}`,
    };
  });
}

function reasonsOf(open: readonly EscalationReply[]): string {
  const reasons = [...new Set(open.map(({ why }) => why))];
  return [...reasons.slice(0, shownReasons), ...(reasons.length > shownReasons ? ["and others"] : [])].join("; ");
}

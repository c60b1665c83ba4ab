import { RepriseError } from "../../../errors.ts";
import { eachEvent } from "../../../log/each-event.ts";
import { makePageRoom, onePage } from "../../../log/page-bytes.ts";
import type { DeadLetterList, DeadLetterView } from "../../model/dead-letter.ts";
import type { Sources } from "../context.ts";
import { fromCursor, toCursor } from "../cursor.ts";
import { amendmentInForce } from "./amendments.ts";
import { countLetters } from "./letter-count.ts";
import { letterPage } from "./letter-page.ts";
import { type LetterRow, selectLetters } from "./letter-row.ts";
import { asAmended, letterView } from "./letter-view.ts";
import { makeWaiting } from "./waiting.ts";

const maxOffset = 10_000;

export function makeDeadLetterList(sources: Sources): DeadLetterList {
  const { log } = sources;
  return {
    async deadLetters(filter, { limit, cursor, offset = 0, data = true }) {
      if (offset > maxOffset) throw new RepriseError("REQUEST_INVALID", `The offset goes up to ${maxOffset}: page by cursor beyond.`);
      const after = fromCursor("dead_letters", filter.tenant, cursor, ["number", "string"]);
      const total = await countLetters(sources, filter);
      const { rows: shown, nextCursor } =
        total === 0 ? { rows: [], nextCursor: null } : await letterPage<LetterRow>(sources, filter, { select: selectLetters, limit, after, offset });
      const waiting = makeWaiting(sources);
      const behind: number[] = [];
      for (const row of shown) behind.push((await waiting(row, 0)).count);
      return onePage(async () => {
        const room = makePageRoom();
        const events: DeadLetterView[] = [];
        const stored = data
          ? eachEvent(
              log,
              ({ tenant }) => tenant,
              shown,
              ({ event_id }) => event_id,
            )
          : unread(shown);
        for await (const { row, event } of stored) {
          const amendment = amendmentInForce(sources, row);
          const read = data ? { event: await asAmended(event, amendment) } : null;
          const view = letterView(sources, row, { waiting: behind[events.length]!, read, amendment });
          if (!room.takes(view)) {
            const last = shown[events.length - 1]!;
            return { events, total, nextCursor: toCursor("dead_letters", filter.tenant, last.position, last.handler) };
          }
          events.push(view);
        }
        return { events, total, nextCursor };
      });
    },
  };
}

/** Rows without their events: no payload was asked for. */
async function* unread(rows: readonly LetterRow[]): AsyncGenerator<{ readonly row: LetterRow; readonly event: undefined }, void> {
  for (const row of rows) yield { row, event: undefined };
}

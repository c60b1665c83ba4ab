import { toIso } from "../../../event/clock.ts";
import type { DeadLetterDetail, DeadLetterDetails } from "../../model/dead-letter.ts";
import { currentType, type Sources } from "../context.ts";
import { actsOf } from "../deliveries/acts.ts";
import { attemptsOf } from "../deliveries/attempts.ts";
import type { Untouched } from "../deliveries/untouched.ts";
import { amendmentActs, amendmentInForce, amendmentView } from "./amendments.ts";
import { hasBeenLetter, isLetter } from "./letter-filter.ts";
import { asLetter, indexOf, type LetterRow, selectLetters } from "./letter-row.ts";
import { asAmended, letterView } from "./letter-view.ts";
import { makeWaiting } from "./waiting.ts";

const waitingEvents = 10;

/** Dead letters of one event or delivery, with all that is known of them. */
export function makeDeadLetterDetails(sources: Sources): DeadLetterDetails {
  const { log, catalog } = sources;
  return {
    async findDeadLetters(tenant, id, also) {
      const wanted = also?.over ? hasBeenLetter : isLetter;
      const found = (column: "event_id" | "delivery_id") =>
        sources
          .db()
          .all<LetterRow>(`${selectLetters(indexOf[column])} where d.${column} = ? and d.tenant = ? and ${wanted.sql} order by d.handler`, id, tenant)
          .map(asLetter);
      const byEvent = found("event_id");
      const rows = byEvent.length > 0 ? byEvent : found("delivery_id");
      const waiting = makeWaiting(sources);
      const behind: Untouched[] = [];
      for (const row of rows) behind.push(await waiting(row, waitingEvents));
      const amended = rows.map((row) => ({ inForce: amendmentInForce(sources, row), amendments: amendmentActs(sources.db(), row) }));
      const acts = rows.map((row) => actsOf(sources.db(), row));
      const histories = rows.map((row) => attemptsOf(sources.db(), row));
      // All these dead letters are of one event.
      const original = rows.length === 0 ? undefined : (await log.findByIds(tenant, [rows[0]!.event_id]))[0];
      const letters: DeadLetterDetail[] = [];
      for (const [index, row] of rows.entries()) {
        const { inForce, amendments } = amended[index]!;
        const event = await asAmended(original, inForce);
        const { count, first } = behind[index]!;
        letters.push({
          ...letterView(sources, row, { waiting: count, read: { event }, amendment: inForce }),
          stored: original ? { type: original.type, schemaVersion: original.schemaVersion, data: original.data } : null,
          amendment: inForce && original && event ? amendmentView(inForce.act, original.data, event.data) : null,
          amendments,
          acts: acts[index]!,
          steps: event ? catalog.steps(event) : [],
          waitingEvents: first.map(({ id, type, revision, recorded_ms }) => ({
            id,
            type: currentType(catalog, type),
            revision,
            recordedAt: toIso(recorded_ms),
          })),
          history: histories[index]!,
        });
      }
      return letters;
    },
  };
}

/** The one dead letter that an operator means by an event id or a delivery id. */
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { RepriseError } from "../errors.ts";
import type { DeadLetterDetail } from "../views/model/dead-letter.ts";
import type { Views } from "../views/model/views.ts";

/**
 * @param handler narrows the choice, where several handlers dead-lettered the event.
 * @throws NOT_FOUND, NOT_DEAD_LETTERED, HANDLER_AMBIGUOUS, DELIVERY_RUNNING, LETTER_NOT_FIRST
 */
export type FindLetter = (id: string, tenant: string, handler: string | undefined) => Promise<DeadLetterDetail>;

export interface FindLetterNeeds {
  readonly views: Pick<Views, "findDeadLetters" | "deliveriesOf">;
  readonly delivery: Pick<RunningHandlers, "must">;
}

export function makeFindLetter({ views, delivery }: FindLetterNeeds): FindLetter {
  return async (id, tenant, handler) => {
    const letter = oneLetter(id, await views.findDeadLetters(tenant, id), handler);
    if (letter !== undefined) {
      delivery.must(letter.handler).letters.mayAct(letter.stream, letter.revision, "other");
      return letter;
    }
    const deliveries = (await views.deliveriesOf(tenant, id)).filter((each) => handler === undefined || each.handler === handler);
    if (deliveries.length === 0) throw new RepriseError("NOT_FOUND", `No delivery of ${id}${handler === undefined ? "" : ` for ${handler}`} is known.`);
    const statuses = deliveries.map((each) => `${each.status} for ${each.handler}`).join(", ");
    throw new RepriseError("NOT_DEAD_LETTERED", `${id} is ${statuses}.`, {
      fields: { statuses: deliveries.map((each) => ({ handler: each.handler, status: each.status })) },
    });
  };
}

/**
 * Picks the dead letter that is meant out of those that an id names.
 *
 * @returns undefined when the id names none, or none of this handler.
 * @throws HANDLER_AMBIGUOUS when it names several
 */
export function oneLetter(id: string, letters: readonly DeadLetterDetail[], handler: string | undefined): DeadLetterDetail | undefined {
  const meant = handler === undefined ? letters : letters.filter((letter) => letter.handler === handler);
  if (meant.length <= 1) return meant[0];
  const handlers = meant.map((letter) => letter.handler);
  throw new RepriseError("HANDLER_AMBIGUOUS", `Event ${id} is dead-lettered for ${handlers.join(", ")}.`, { fields: { handlers } });
}

/** What the store does for events that handlers append. */
import type { FollowUpAppends } from "../../delivery/follow-ups/follow-up-appends.ts";
import { type Clock, toIso } from "../../event/clock.ts";
import type { EventLog } from "../../log/event-log.ts";
import { type AppenderNeeds, type AppendInputs, makeAppender } from "./append.ts";

/** @param append the store's own, so that the order of the calls is kept over both. */
export function makeFollowUpAppends(append: AppendInputs, { clock, ...needs }: AppenderNeeds & { readonly clock: Clock }): FollowUpAppends {
  const rehearse = makeAppender({ ...needs, log: storesNothing(needs.log, clock) });
  const one =
    (by: AppendInputs): FollowUpAppends["append"] =>
    async (event, tenant) => {
      const [appended] = await by(event, { tenant });
      return appended!;
    };
  return { append: one(append), rehearse: one(rehearse) };
}

/** It knows what is stored, and answers an append as if the event stood before the first one. */
function storesNothing(log: AppenderNeeds["log"], clock: Clock): Pick<EventLog, "append" | "findByIds"> {
  return {
    findByIds: (...asked) => log.findByIds(...asked),
    append: async (_stream, events) => events.map(({ id }) => ({ id, revision: -1, position: 0n, recordedAt: toIso(clock.now()), duplicate: false })),
  };
}

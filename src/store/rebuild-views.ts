import type { DeliveryLogger } from "../delivery/delivery-logger.ts";
import { withPatience } from "../delivery/journal/patience.ts";
import { recordAct } from "../delivery/journal/record-act.ts";
import type { Clock } from "../event/clock.ts";
import { type NewEvent, positionText } from "../event/event.ts";
import type { NewId } from "../event/ids.ts";
import { viewsStream } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import type { Act } from "../records/act.ts";
import { ownEvent } from "../records/own-event.ts";
import type { ViewsStreamData } from "../records/views.ts";
import type { Views } from "../views/model/views.ts";
import { actOf } from "./caller.ts";
import type { Life } from "./life.ts";
import { doOnce } from "./requests/on-record.ts";

interface RebuildNeeds {
  readonly log: EventLog;
  readonly views: Pick<Views, "rebuild">;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly logger: DeliveryLogger;
  /** Aborted when the store closes. */
  readonly signal: AbortSignal;
}

/** The record that somebody, or a policy, has the views computed again. */
export function rebuildRecord(newId: NewId, act: Act): { readonly stream: string; readonly events: readonly NewEvent[]; readonly expected: "any" } {
  const data = { act } satisfies ViewsStreamData["views.rebuild_requested"];
  return { stream: viewsStream, events: [ownEvent(newId, "views.rebuild_requested", data)], expected: "any" };
}

/** Begins the rebuild once the act is on record, and does not wait for its end. */
export function makeRebuildViews({ log, views, clock, newId, logger, signal }: RebuildNeeds): Life["rebuildViews"] {
  return async (options = {}) => {
    const record = rebuildRecord(newId, actOf(options));
    return withPatience(clock, async () => {
      // One that is on record may have been cut off by the end of the process: it is begun again.
      const position = await doOnce(options, "views.rebuild_requested", async () => (await recordAct({ log, clock, signal }, record)).position);
      views.rebuild().then(
        () => logger.info({}, "the views are rebuilt"),
        (err: unknown) => logger.error({ err }, "the views could not be rebuilt; the old ones go on"),
      );
      return positionText(position);
    });
  };
}

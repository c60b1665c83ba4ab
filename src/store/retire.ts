/** Retires a handler that is gone for good: from then on nothing waits for it. */

import { retirementOf } from "../delivery/journal/handler-stream.ts";
import { withPatience } from "../delivery/journal/patience.ts";
import { recordAct } from "../delivery/journal/record-act.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import { type PositionText, positionText } from "../event/event.ts";
import type { NewId } from "../event/ids.ts";
import type { EventLog } from "../log/event-log.ts";
import type { Views } from "../views/model/views.ts";
import { actOf, type FinalActOptions } from "./caller.ts";
import { recorded } from "./requests/on-record.ts";

export interface Retired {
  /** How many events waited for it. */
  readonly discarded: number;
  readonly position: PositionText;
}

type RetireHandler = (name: string, options: FinalActOptions) => Promise<Retired>;

export interface RetireNeeds {
  readonly log: EventLog;
  readonly views: Views;
  readonly delivery: RunningHandlers;
  readonly clock: Clock;
  readonly newId: NewId;
  /** Aborted when the store closes. */
  readonly signal: AbortSignal;
}

export function makeRetire({ log, views, delivery, clock, newId, signal }: RetireNeeds): RetireHandler {
  return async (name, options) => {
    const [done] = await recorded(options, "handler.retired");
    if (done !== undefined) return { discarded: done.data.waiting, position: positionText(done.position) };
    if (delivery.condition(name).state !== "absent")
      throw new RepriseError("HANDLER_PRESENT", `Handler ${name} is in the config: it cannot be retired while it is.`);
    const elsewhere = delivery.instanceWith(name);
    if (elsewhere !== null)
      throw new RepriseError("HANDLER_PRESENT", `Handler ${name} is in the config of instance ${elsewhere}: it cannot be retired while it is.`);
    const head = await log.head();
    await views.waitFor(head);
    const handler = (await views.handlers()).find((each) => each.name === name);
    if (handler === undefined) throw new RepriseError("NOT_FOUND", `The log knows no handler ${name}, or it is retired already.`);
    const { waiting } = handler;
    return withPatience(clock, async () => {
      const record = await retirementOf(log, newId, name, { act: actOf(options), at: head.toString(), waiting });
      const { position } = await recordAct({ log, clock, signal }, record);
      return { discarded: waiting, position: positionText(position) };
    });
  };
}

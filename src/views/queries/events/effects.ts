import type { StoredEvent } from "../../../event/event.ts";
import { effectsStream } from "../../../event/names.ts";
import type { EffectsStreamData } from "../../../records/effects.ts";
import type { DeliveryView, EffectView } from "../../model/delivery.ts";
import type { Sources } from "../context.ts";
import { handlerRows } from "../deliveries/handler-rows.ts";

/** Adds what handlers in this process did outside for the event. Read from the log: effects have no rows, and one event's are few. */
export async function withEffects(sources: Sources, event: StoredEvent, deliveries: readonly DeliveryView[]): Promise<readonly DeliveryView[]> {
  const functions = new Set(handlerRows(sources).flatMap(({ name, endpoint }) => (endpoint === null ? [name] : [])));
  const shown: DeliveryView[] = [];
  for (const delivery of deliveries)
    shown.push(functions.has(delivery.handler) ? { ...delivery, effects: await readEffects(sources, delivery.handler, event) } : delivery);
  return shown;
}

async function readEffects({ log }: Sources, handler: string, { stream, revision }: StoredEvent): Promise<readonly EffectView[]> {
  const effects: EffectView[] = [];
  for await (const batch of log.readStream(effectsStream(handler, stream, revision)))
    for (const { data, recordedAt } of batch) {
      const { key, part = null, replayId = null } = data as unknown as EffectsStreamData["effect.recorded"];
      effects.push({ key, part, at: recordedAt, replayId });
    }
  return effects;
}

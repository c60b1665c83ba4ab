import type { NewEvent } from "../src/event/event.ts";
import type { EventLog } from "../src/log/event-log.ts";
import { sampleOrder } from "./samples.ts";

type Append = Pick<EventLog, "append">;
const streamOf = (entity: number) => `default.order-${entity}`;
const eventsAtOnce = 1000;

/** Appends `count` events, entity after entity in turn: two events of one lane are no neighbours in the log. */
export async function fill(log: Append, count: number, entities: number, sample: (number: number) => NewEvent = sampleOrder): Promise<void> {
  for (let from = 0; from < count; from += eventsAtOnce)
    await Promise.all(
      Array.from({ length: Math.min(eventsAtOnce, count - from) }, (_, index) => {
        const number = from + index;
        return log.append(streamOf(number % entities), [sample(number)], "any");
      }),
    );
}

/** Appends all events of an entity at once. It is faster, for benchmarks that do not depend on the order over entities. */
export async function fillByEntity(log: Append, entities: number, eventsOfEntity: number): Promise<void> {
  const entitiesAtOnce = Math.ceil(eventsAtOnce / eventsOfEntity);
  for (let from = 0; from < entities; from += entitiesAtOnce)
    await Promise.all(
      Array.from({ length: Math.min(entitiesAtOnce, entities - from) }, (_, index) => {
        const entity = from + index;
        return log.append(
          streamOf(entity),
          Array.from({ length: eventsOfEntity }, (_, turn) => sampleOrder(entity * eventsOfEntity + turn)),
          "any",
        );
      }),
    );
}

import { z } from "zod";
import type { DeepReadonly } from "../src/catalog/deep-readonly.ts";
import { defineEvent, defineUpcasters } from "../src/catalog/define.ts";
import { makeCatalog } from "../src/catalog/make-catalog.ts";
import type { NewEvent, StoredEvent } from "../src/event/event.ts";
import type { Benchmark } from "./measure.ts";
import { orderV1, sampleOrder } from "./samples.ts";

const orderV2 = orderV1.omit({ total: true }).extend({ totalCents: z.int() });
const orderV3 = orderV2.extend({ currency: z.string() });
const orderV4 = orderV3.omit({ customer: true }).extend({ customer: z.object({ id: z.string(), name: z.string().nullable() }) });

const v1ToV2 = ({ total, ...rest }: DeepReadonly<z.output<typeof orderV1>>) => ({ ...rest, totalCents: Math.round(total * 100) });
const v2ToV3 = (data: DeepReadonly<z.output<typeof orderV2>>) => ({ ...data, currency: "EUR" });
const v3ToV4 = ({ customer, ...rest }: DeepReadonly<z.output<typeof orderV3>>) => ({ ...rest, customer: { id: customer, name: null } });

/** Ten steps that each add one to a counter. */
const counted = (version: number) => orderV1.extend({ version: z.literal(version) });
const countUp = (version: number) => (data: object) => ({ ...data, version });
const upTo11 = {
  ...defineEvent("order.placed", { 1: orderV1 }),
  schemas: Object.fromEntries(Array.from({ length: 11 }, (_, index) => [index + 1, index === 0 ? orderV1 : counted(index + 1)])),
};
const tenSteps = {
  event: upTo11,
  steps: Object.fromEntries(Array.from({ length: 10 }, (_, index) => [index + 1, countUp(index + 2)])),
  into: [],
};

const upTo1 = defineEvent("order.placed", { 1: orderV1 });
const upTo2 = defineEvent("order.placed", { 1: orderV1, 2: orderV2 });
const upTo4 = defineEvent("order.placed", { 1: orderV1, 2: orderV2, 3: orderV3, 4: orderV4 });

/** Lifting stored events to the current version over so many steps; the floor parses and steps with nothing around it. */
export const upcastBenchmarks: readonly Benchmark[] = [
  upcast("upcast-0", makeCatalog({ events: [upTo1] }), (data) => orderV1.parse(data)),
  upcast("upcast-1", makeCatalog({ events: [upTo2], upcasters: [defineUpcasters(upTo2, { 1: v1ToV2 })] }), (data) =>
    orderV2.parse(v1ToV2(orderV1.parse(data))),
  ),
  upcast("upcast-3", makeCatalog({ events: [upTo4], upcasters: [defineUpcasters(upTo4, { 1: v1ToV2, 2: v2ToV3, 3: v3ToV4 })] }), (data) =>
    orderV4.parse(v3ToV4(orderV3.parse(v2ToV3(orderV2.parse(v1ToV2(orderV1.parse(data))))))),
  ),
  upcast("upcast-10", makeCatalog({ events: [upTo11], upcasters: [tenSteps] }), (data) => {
    let lifted: object = orderV1.parse(data);
    for (let version = 2; version <= 11; version++) lifted = (upTo11.schemas[version] as z.ZodType<object>).parse(countUp(version)(lifted));
    return lifted;
  }),
];

/** @param stored lifted in turn, `events` times in all. */
export function upcast(
  name: string,
  catalog: ReturnType<typeof makeCatalog>,
  bare: (data: unknown, event: StoredEvent) => unknown,
  { events, stored }: { readonly events: number; readonly stored: () => readonly StoredEvent[] } = { events: 1_000_000, stored: storedOrders },
): Benchmark {
  return {
    name,
    target: 0.87, // the floor's time within 1.15
    unit: "events/s",
    async prepare(scale) {
      const count = Math.round(events * scale);
      const given = stored();
      const next = (index: number) => given[index % given.length]!;
      return {
        subject: {
          async go() {
            for (let index = 0; index < count; index++) if (!catalog.current(next(index)).ok) throw new Error(`${name}: an event was refused`);
            return count;
          },
        },
        floor: {
          async go() {
            for (let index = 0; index < count; index++) bare(next(index).data, next(index));
            return count;
          },
        },
        async close() {},
      };
    },
  };
}

function storedOrders(): readonly StoredEvent[] {
  return Array.from({ length: 1000 }, (_, number) => asStored(sampleOrder(number), number));
}

/** The event as the log would hand it out, first of its own entity. */
export function asStored(event: NewEvent, number: number): StoredEvent {
  return {
    ...event,
    stream: `default.order-${number}`,
    tenant: "default",
    entity: { type: "order", id: String(number) },
    revision: 0,
    position: BigInt(number + 1),
    recordedAt: "2026-01-01T00:00:00.000Z",
  };
}

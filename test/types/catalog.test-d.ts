// Checked by plain `tsc`: each wrong line must fail for its reason, and an unused @ts-expect-error fails as well.
import { expectTypeOf } from "vitest";
import { z } from "zod";
import {
  type CurrentEvent,
  type Dropped,
  defineEvent,
  defineHandler,
  defineUpcasters,
  drop,
  type EventDefinition,
  part,
  type Split,
  type StoredEvent,
  split,
  type Upcaster,
} from "../../src/index.ts";

const orderPlaced = defineEvent("order.placed", {
  1: z.object({ orderId: z.string(), total: z.number() }),
  2: z.object({ orderId: z.string(), totalCents: z.int() }),
  3: z.object({ orderId: z.string(), totalCents: z.int(), lines: z.array(z.string()).default([]) }),
});
const orderPaid = defineEvent("order.paid", { 1: z.object({ amountCents: z.int() }) });

expectTypeOf(orderPlaced.type).toEqualTypeOf<"order.placed">();
expectTypeOf(orderPlaced).toExtend<EventDefinition>();

// Steps are typed by the event alone: version n as it comes out of its schema, version n + 1 as its schema takes it.
defineUpcasters(orderPlaced, {
  1: (data, event) => {
    expectTypeOf(data).toEqualTypeOf<{ readonly orderId: string; readonly total: number }>();
    expectTypeOf(event).toEqualTypeOf<StoredEvent>();
    return { orderId: data.orderId, totalCents: Math.round(data.total * 100) };
  },
  2: (data) => ({ ...data }),
});
const lift: Upcaster<typeof orderPlaced, 1> = (data) => ({ orderId: data.orderId, totalCents: data.total });
defineUpcasters(orderPlaced, { 1: lift, 2: (data) => data });
defineUpcasters(orderPaid, {});

const lift2: Upcaster<typeof orderPlaced, 2> = (data) => data;
// @ts-expect-error a step is missing
defineUpcasters(orderPlaced, { 1: lift });
// @ts-expect-error all steps are missing
defineUpcasters(orderPlaced, {});
// @ts-expect-error a step too many
defineUpcasters(orderPlaced, { 1: lift, 2: lift2, 3: () => ({}) });
// @ts-expect-error an event with one version has no steps
defineUpcasters(orderPaid, { 1: () => ({}) });
// @ts-expect-error a field of the wrong type
defineUpcasters(orderPlaced, { 1: (data) => ({ orderId: data.orderId, totalCents: "12" }), 2: lift2 });
// @ts-expect-error a missing field
defineUpcasters(orderPlaced, { 1: (data) => ({ orderId: data.orderId }), 2: lift2 });
// @ts-expect-error the same data given back
defineUpcasters(orderPlaced, { 1: (data) => data, 2: lift2 });
// @ts-expect-error an asynchronous step
defineUpcasters(orderPlaced, { 1: async (data) => ({ orderId: data.orderId, totalCents: 1 }), 2: lift2 });
// @ts-expect-error a field that version 1 has not
defineUpcasters(orderPlaced, { 1: (data) => ({ orderId: data.orderId, totalCents: data.totalCents }), 2: lift2 });
// @ts-expect-error there is no step from the newest version
type NoStep = Upcaster<typeof orderPlaced, 3>;
expectTypeOf<NoStep>().not.toBeAny();

// @ts-expect-error version 3 has no version before it
defineEvent("order.moved", { 1: z.object({}), 3: z.object({}) });
// @ts-expect-error versions begin with 1
defineEvent("order.moved", { 2: z.object({}) });
// @ts-expect-error not a schema
defineEvent("order.moved", { 1: { orderId: "text" } });

// Handlers get the newest version only.
defineHandler({
  name: "ledger",
  events: [orderPlaced, orderPaid],
  on: {
    "order.placed": (event, context) => {
      expectTypeOf(event).toEqualTypeOf<CurrentEvent<"order.placed", { orderId: string; totalCents: number; lines: string[] }>>();
      expectTypeOf(context.attempt).toEqualTypeOf<number>();
      expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>();
      // @ts-expect-error a field of an old version
      event.data.total;
    },
    "order.paid": async (event) => {
      expectTypeOf(event.data).toEqualTypeOf<{ amountCents: number }>();
    },
  },
});
// @ts-expect-error a misspelt event type
defineHandler({ name: "ledger", events: [orderPlaced], on: { "order.plcaed": () => {} } });
// @ts-expect-error a misspelt option
defineHandler({ name: "ledger", events: [orderPlaced], on: { "order.placed": () => {} }, retries: 3 });
// @ts-expect-error the data has no such field
defineHandler({ name: "ledger", events: [orderPaid], on: { "order.paid": (event) => void event.data.amount } });
// Without `events` the data is unknown.
defineHandler({ name: "ledger", on: { "order.placed": (event) => void expectTypeOf(event.data).toBeUnknown() } });

// Drop and split: allowed in any step, into the types that `into` names.
const cartTouched = defineEvent("cart.touched", { 1: z.object({ by: z.string() }), 2: z.never() });
defineUpcasters(cartTouched, { 1: () => drop("no more") });
defineUpcasters(cartTouched, { 1: (data) => split(part(orderPaid, { amountCents: data.by.length })) }, { into: [orderPaid] });
defineUpcasters(orderPlaced, { 1: (data) => (data.total < 0 ? drop("never was an order") : { orderId: data.orderId, totalCents: 1 }), 2: (data) => data });
const dropping: Upcaster<typeof cartTouched, 1, Dropped> = () => drop("no more");
const splitting: Upcaster<typeof cartTouched, 1, Split<"order.paid">> = () => split(part(orderPaid, { amountCents: 1 }));
defineUpcasters(cartTouched, { 1: dropping });
defineUpcasters(cartTouched, { 1: splitting }, { into: [orderPaid] });
expectTypeOf(part(orderPlaced, { orderId: "a", totalCents: 1 }, { version: 2 }).type).toEqualTypeOf<"order.placed">();
// @ts-expect-error a split into a type that `into` does not name
defineUpcasters(cartTouched, { 1: () => split(part(orderPaid, { amountCents: 1 })) });
// @ts-expect-error a split into another type than `into` names
defineUpcasters(cartTouched, { 1: () => split(part(orderPaid, { amountCents: 1 })) }, { into: [orderPlaced] });
// @ts-expect-error a part with data of another version
part(orderPlaced, { orderId: "a", total: 1 }, { version: 2 });
// @ts-expect-error a part of a version that is not there
part(orderPaid, { amountCents: 1 }, { version: 2 });

// Downcast: from the current version's output to the named one's input.
defineEvent("a.b", { 1: z.object({ x: z.number() }), 2: z.object({ y: z.number() }) }, { downcast: { version: 1, data: ({ y }) => ({ x: y }) } });
// @ts-expect-error data of the wrong version
defineEvent("a.b", { 1: z.object({ x: z.number() }), 2: z.object({ y: z.number() }) }, { downcast: { version: 1, data: ({ y }) => ({ y }) } });
// @ts-expect-error a version that is not there
defineEvent("a.b", { 1: z.object({ x: z.number() }), 2: z.object({ y: z.number() }) }, { downcast: { version: 3, data: ({ y }) => ({ x: y }) } });

// What a step gets is deeply readonly, and so is what a downcast gets; what it got it may give on.
const deep = z.object({
  list: z.array(z.object({ tags: z.array(z.string()) })),
  pair: z.tuple([z.string(), z.number()]),
  by: z.record(z.string(), z.string()),
});
const branded = z.object({ id: z.string().brand<"Id">(), any: z.unknown(), either: z.union([z.string(), z.object({ n: z.number() })]) });
const deepEvent = defineEvent("a.deep", { 1: deep, 2: deep });
defineUpcasters(deepEvent, { 1: (data) => data });
defineUpcasters(deepEvent, { 1: (data) => ({ ...data, list: data.list.map((item) => ({ tags: item.tags })) }) });
defineUpcasters(deepEvent, {
  1: (data) => {
    // @ts-expect-error a member
    data.list = [];
    // @ts-expect-error a list
    data.list.push({ tags: [] });
    // @ts-expect-error an item's member
    data.list[0]!.tags = [];
    // @ts-expect-error a list in an item
    data.list[0]!.tags.sort();
    // @ts-expect-error a tuple
    data.pair[1]++;
    // @ts-expect-error a record
    data.by.name = "text";
    return data;
  },
});
const brandedEvent = defineEvent("a.branded", { 1: branded, 2: branded });
defineUpcasters(brandedEvent, {
  1: (data) => {
    expectTypeOf(data.id).toEqualTypeOf<string & z.$brand<"Id">>();
    expectTypeOf(data.any).toBeUnknown();
    expectTypeOf(data.either).toEqualTypeOf<string | { readonly n: number }>();
    return data;
  },
});
defineEvent("a.b", { 1: deep, 2: deep }, { downcast: { version: 1, data: (data) => data } });
defineEvent(
  "a.b",
  { 1: deep, 2: deep },
  {
    downcast: {
      version: 1,
      data: (data) => {
        // @ts-expect-error a list
        data.list.push({ tags: [] });
        return data;
      },
    },
  },
);

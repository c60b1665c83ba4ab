import { expect, it } from "vitest";
import { newId } from "../../src/event/ids.ts";
import { encodeAppend, keepEncoding } from "../../src/log/append-rules.ts";
import { ownEvent } from "../../src/records/own-event.ts";

it("what measures an append before it is sent may keep its encoding: each fact is encoded once", () => {
  let encodings = 0;
  const counted = { toJSON: () => `encoding ${++encodings}` };
  const [kept, other] = [ownEvent(newId, "delivery.started", counted), ownEvent(newId, "delivery.started", counted)];
  keepEncoding([kept], encodeAppend("t.order-1", [kept], 0));
  const sent = encodeAppend("t.order-1", [kept], 0);
  const { data: _, ...envelope } = kept;
  expect([sent.events[0]!.data, sent.events[0]!.event, encodings]).toEqual(['"encoding 1"', envelope, 1]);
  for (let time = 2; time <= 3; time++) expect(encodeAppend("t.order-1", [other], 0).events[0]!.data).toBe(`"encoding ${time}"`);
});

import { expect, it } from "vitest";
import { aboutCall } from "../../src/delivery/attempt/about-call.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

it("a line of the log about a call has the ids that the API and the traces have: those of the stored event, of the delivery, and of the append's trace", () => {
  const event = { id: "part", origin: { id: "whole" }, metadata: { traceparent } };
  expect(aboutCall("mail", { event, deliveryId: "delivery", attempt: 2 })).toEqual({
    ...{ handler: "mail", event_id: "whole", delivery_id: "delivery", attempt: 2, trace_id: "0af7651916cd43dd8448eb211c80319c" },
  });
  for (const given of [undefined, "", "nonsense"])
    expect(aboutCall("mail", { event: { id: "1", metadata: given === undefined ? {} : { traceparent: given } }, deliveryId: "2" })).toEqual({
      ...{ handler: "mail", event_id: "1", delivery_id: "2" },
    });
});

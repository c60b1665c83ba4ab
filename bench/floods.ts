/** What one tenant sends while another one is measured. */
import type { Asked } from "./http-client.ts";
import { sampleOrder } from "./samples.ts";

/** Requests that are sent without pause, on so many connections. */
export interface Flood {
  readonly kind: keyof typeof requestsOf;
  readonly connections: number;
}

export const append = (number: number): Asked => ({ path: "/events", body: JSON.stringify(order(number)) });

const batch = (number: number): Asked => ({
  path: "/events",
  body: JSON.stringify({ events: Array.from({ length: 100 }, (_, index) => order(number + index)) }),
});

export const requestsOf = {
  appends: () => Array.from({ length: 500 }, (_, number) => append(number)),
  batches: () => Array.from({ length: 100 }, (_, number) => batch(number * 100)),
  reads: (): readonly Asked[] => [
    ...["/events?limit=1000", "/events?limit=1000&source=nobody", "/entities?limit=1000", "/handlers", "/admin/dlq/stats"].map((path) => ({ path })),
    { path: "/replays/plan", body: JSON.stringify({ selection: { dead_letters: { event_type: "order.placed" } } }) },
  ],
} as const;

function order(number: number) {
  return { type: "order.placed", entity: { type: "order", id: String(number) }, data: sampleOrder(number).data };
}

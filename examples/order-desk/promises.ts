import { isDeepStrictEqual } from "node:util";
import type { Call } from "./integrations.ts";

/** One event for one agent: a delivery, as Reprise lists it. */
export interface Delivery {
  readonly deliveryId: string;
  readonly handler: string;
  readonly orderId: string;
  readonly revision: number;
  readonly status: string;
}

/** An `order.placed`, as the shop sent it, as the log holds it, and as an agent of today should get it. */
export interface PlacedOrder {
  readonly orderId: string;
  readonly schemaVersion: number;
  readonly sent: unknown;
  readonly stored: { readonly schemaVersion: number; readonly data: unknown };
  readonly expected: unknown;
}

/** What the demo gathered: records of the integrations, and Reprise's own account of the same hours. */
export interface Evidence {
  readonly calls: readonly Call[];
  readonly deliveries: readonly Delivery[];
  readonly orders: readonly PlacedOrder[];
  /** Tick at which the integrations were mended, and the deliveries that waited then: dead letters and what they held. */
  readonly mended: { readonly tick: number; readonly waiting: readonly string[] };
  /** Deliveries that a person discarded or rejected, and those that a person approved, with the tick. */
  readonly discarded: ReadonlyMap<string, number>;
  readonly approved: ReadonlyMap<string, number>;
  /** What is above it is given back only if a person says so. */
  readonly refundLimitCents: number;
  /** What the system that went down may be called until it was mended: some failures, and a trial now and then. */
  readonly down: { readonly integration: string; readonly handler: string; readonly maxCalls: number };
  /** Orders with which nothing was wrong: they must not have waited for those with which something was. */
  readonly healthy: readonly string[];
  /** `/handlers` at the end, beside a count over the log. */
  readonly accounts: readonly {
    readonly handler: string;
    readonly wanted: number;
    readonly done: number;
    readonly waiting: number;
    readonly counted: number;
  }[];
}

export interface Verdict {
  readonly promise: string;
  /** What it was found on: `412 calls in 146 lanes`. */
  readonly figure: string;
  /** Empty: the promise held. */
  readonly violations: readonly string[];
}

/** Judges each promise by the evidence. Pure, so that a test can plant a violation of each and see it found. */
export function judge(evidence: Evidence): readonly Verdict[] {
  const lanes = lanesOf(evidence);
  return [
    ordered(lanes, evidence),
    notOvertaken(lanes, evidence),
    replayedOnce(evidence),
    doneOnce(evidence),
    currentOnly(evidence),
    untouched(evidence),
    isolated(evidence),
    leftAlone(evidence),
    decided(evidence),
    conserved(evidence),
  ];
}

/**
 * The same evidence with one lie: two calls of one order to payments change places, as if the refund had overtaken its charge.
 * `npm run demo -- --plant` judges this one, and must find it.
 *
 * @throws Error when no order was both charged and refunded.
 */
export function plantWrongOrder(evidence: Evidence): Evidence {
  for (const { calls } of lanesOf(evidence)) {
    const at = calls.findIndex(({ call }, index) => call.path === "/refunds" && calls[index - 1]?.call.path === "/charges");
    const [earlier, later] = [calls[at - 1]?.call, calls[at]?.call];
    if (earlier === undefined || later === undefined) continue;
    const swapped = new Map([
      [earlier, { ...earlier, began: later.began, ended: later.ended }],
      [later, { ...later, began: earlier.began, ended: earlier.ended }],
    ]);
    return { ...evidence, calls: evidence.calls.map((call) => swapped.get(call) ?? call) };
  }
  throw new Error("No order was both charged and refunded.");
}

/** The deliveries of one order for one agent by revision, and the calls that they led to, in the order in which they began. */
interface Lane {
  readonly name: string;
  readonly deliveries: readonly Delivery[];
  readonly calls: readonly { readonly call: Call; readonly revision: number }[];
}

function lanesOf({ calls, deliveries }: Evidence): readonly Lane[] {
  const callsOf = Map.groupBy(calls, ({ deliveryId }) => deliveryId);
  return Array.from(
    Map.groupBy(deliveries, ({ handler, orderId }) => `${handler} of ${orderId}`),
    ([name, lane]) => ({
      name,
      deliveries: lane.toSorted((a, b) => a.revision - b.revision),
      calls: lane
        .flatMap(({ deliveryId, revision }) => (callsOf.get(deliveryId) ?? []).map((call) => ({ call, revision })))
        .sort((a, b) => a.call.began - b.call.began),
    }),
  );
}

/** The bank did nothing, because a person had to be asked. */
const isAsked = ({ path, status }: Call): boolean => path === "/refunds" && status === 409;

const succeeded = ({ status }: Call): boolean => status !== null && status < 300;

function ordered(lanes: readonly Lane[], { calls, deliveries }: Evidence): Verdict {
  const known = new Set(deliveries.map(({ deliveryId }) => deliveryId));
  const violations = calls
    .filter(({ deliveryId }) => !known.has(deliveryId))
    .map(({ integration, orderId }) => `${integration} was called for ${orderId} under an id that is no delivery's`);
  for (const lane of lanes)
    for (const [index, { call, revision }] of lane.calls.entries()) {
      const before = lane.calls[index - 1];
      if (before === undefined) continue;
      if (before.revision > revision) violations.push(`${lane.name}: revision ${revision} came after ${before.revision}`);
      // The end of a call that was given up is seen too late to be held against the next one.
      if (before.call.status !== null && (before.call.ended ?? Number.POSITIVE_INFINITY) > call.began)
        violations.push(`${lane.name}: revision ${revision} began while ${before.revision} ran`);
    }
  return { promise: "In log order, and one at a time, in each lane", figure: `${calls.length} calls, ${lanes.length} lanes`, violations };
}

function notOvertaken(lanes: readonly Lane[], { discarded }: Evidence): Verdict {
  const violations: string[] = [];
  let failures = 0;
  for (const lane of lanes) {
    const failed = lane.calls.filter(({ call }) => !succeeded(call));
    failures += failed.length;
    for (const { deliveryId, revision, status } of lane.deliveries) {
      const own = lane.calls.filter(({ call }) => call.deliveryId === deliveryId).map(({ call }) => call);
      const over = status === "skipped" ? own.at(-1)?.ended : (own.find(succeeded)?.ended ?? discarded.get(deliveryId));
      for (const later of lane.calls)
        if (later.revision > revision && later.call.began < (over ?? Number.POSITIVE_INFINITY))
          violations.push(`${lane.name}: revision ${later.revision} did not wait for ${revision}`);
    }
  }
  return { promise: "Nothing overtook a failed event of its order", figure: `${failures} failed calls`, violations };
}

function replayedOnce({ calls, mended, discarded }: Evidence): Verdict {
  const after = Map.groupBy(
    calls.filter(({ began }) => began > mended.tick),
    ({ deliveryId }) => deliveryId,
  );
  const violations = mended.waiting.flatMap((deliveryId) => {
    const own = (after.get(deliveryId) ?? []).filter((call) => !isAsked(call));
    if (discarded.has(deliveryId)) return own.length === 0 ? [] : [`${deliveryId} was discarded, and called all the same`];
    return own.length === 1 && own.every(succeeded) ? [] : [`${deliveryId} waited, and was called ${own.length} times after the fix`];
  });
  return {
    promise: "What waited was delivered once after the fix",
    figure: `${mended.waiting.length - discarded.size - violations.length} delivered, ${discarded.size} discarded`,
    violations,
  };
}

function doneOnce({ calls, deliveries }: Evidence): Verdict {
  const effects = Map.groupBy(
    calls.filter(({ effect }) => effect),
    ({ deliveryId }) => deliveryId,
  );
  const violations = deliveries.flatMap(({ deliveryId, handler, orderId, revision, status }) => {
    const count = effects.get(deliveryId)?.length ?? 0;
    const due = status === "completed" || status === "replayed" ? 1 : 0;
    return count === due ? [] : [`${handler} of ${orderId}, revision ${revision}, is ${status} and was done ${count} times`];
  });
  const repeats = calls.filter((call) => succeeded(call) && !call.effect).length;
  return { promise: "Nothing was reserved, charged or mailed twice", figure: `${effects.size} done, ${repeats} repeats caught`, violations };
}

function currentOnly({ calls, orders }: Evidence): Verdict {
  const screenings = Map.groupBy(
    calls.filter(({ integration }) => integration === "screening"),
    ({ orderId }) => orderId,
  );
  const met = orders.filter(({ orderId }) => screenings.has(orderId));
  const violations = met.flatMap(({ orderId, schemaVersion, expected }) =>
    screenings.get(orderId)?.every(({ body }) => isDeepStrictEqual(body, expected))
      ? []
      : [`${orderId}, sent as v${schemaVersion}, reached its agent in another shape than today's`],
  );
  if (met.length === 0) violations.push("no order reached its agent");
  return { promise: "Old payloads reached agents in today's shape", figure: byVersion(met), violations };
}

function untouched({ orders }: Evidence): Verdict {
  const violations = orders
    .filter(({ schemaVersion, sent, stored }) => stored.schemaVersion !== schemaVersion || !isDeepStrictEqual(stored.data, sent))
    .map(({ orderId }) => `${orderId}: the log holds something else than was sent`);
  return { promise: "The log holds what was sent, unchanged", figure: byVersion(orders), violations };
}

function isolated({ calls, healthy, mended }: Evidence): Verdict {
  const charged = new Set(
    calls.filter((call) => call.path === "/charges" && succeeded(call) && call.ended !== null && call.ended < mended.tick).map(({ orderId }) => orderId),
  );
  const violations = healthy.filter((orderId) => !charged.has(orderId)).map((orderId) => `${orderId} had to wait for orders in trouble`);
  return {
    promise: "Healthy orders waited for no order in trouble",
    figure: `${healthy.length - violations.length} of ${healthy.length} charged meanwhile`,
    violations,
  };
}

function leftAlone({ calls, deliveries, down, mended }: Evidence): Verdict {
  const failed = calls.filter((call) => call.integration === down.integration && call.began < mended.tick && !succeeded(call)).length;
  const given = deliveries.filter(({ handler, status }) => handler === down.handler && status !== "completed");
  const violations = given.map(
    ({ orderId, status }) => `${down.handler} of ${orderId} is ${status}: its attempts were used up while ${down.integration} was down`,
  );
  if (failed > down.maxCalls) violations.push(`${down.integration} was called ${failed} times while it was down`);
  return { promise: "The system that was down was left alone", figure: `${failed} calls of ${down.integration}`, violations };
}

function decided({ calls, orders, approved, discarded, refundLimitCents }: Evidence): Verdict {
  const amounts = new Map(orders.map(({ orderId, expected }) => [orderId, Number((expected as { readonly totalCents: number }).totalCents)]));
  const large = calls.filter(({ path, orderId }) => path === "/refunds" && (amounts.get(orderId) ?? 0) > refundLimitCents);
  const violations = large
    .filter(({ effect, deliveryId, began }) => effect && began < (approved.get(deliveryId) ?? Number.POSITIVE_INFINITY))
    .map(({ orderId }) => `the refund of ${orderId} is over ${refundLimitCents / 100}, and went out before a person approved it`);
  const rejected = new Set(large.map(({ deliveryId }) => deliveryId).filter((id) => discarded.has(id))).size;
  return {
    promise: "No refund over 100 went out without a person",
    figure: `${large.filter(({ effect }) => effect).length} approved, ${rejected} rejected`,
    violations,
  };
}

function conserved({ accounts }: Evidence): Verdict {
  const violations = accounts
    .filter(({ wanted, done, waiting, counted }) => wanted !== counted || wanted !== done + waiting || waiting !== 0)
    .map(({ handler, wanted, done, waiting, counted }) => `${handler}: ${counted} events in the log, wanted ${wanted}, done ${done}, waiting ${waiting}`);
  const total = accounts.reduce((sum, { counted }) => sum + counted, 0);
  return { promise: "Every event has its outcome, none is missing", figure: `${total} counted in the log`, violations };
}

/** `10 × v1, 10 × v2` */
function byVersion(orders: readonly PlacedOrder[]): string {
  return Array.from(
    Map.groupBy(orders, ({ schemaVersion }) => schemaVersion),
    ([version, { length }]) => ({ version, length }),
  )
    .sort((a, b) => a.version - b.version)
    .map(({ version, length }) => `${length} × v${version}`)
    .join(", ");
}

import { setTimeout as wait } from "node:timers/promises";
import { handlers } from "../../handlers/index.ts";
import { refundLimitCents } from "../../handlers/payment.ts";
import type { Api, DeadLetter, Escalation, EventSummary, HandlerAccount, Stats } from "./api.ts";
import type { Integrations } from "./integrations.ts";
import { morning, noon, type Order } from "./orders.ts";
import { type Printer, unlessZero } from "./print.ts";
import { type Delivery, judge, plantWrongOrder, type Verdict } from "./promises.ts";

const calmWithinMs = 30_000;
const pollMs = 50;
/** What the payments' new release fails for. */
const bugAboveCents = 10_000;
const slowAnswersLost = 2;
/** Mail's breaker opens at 10 failures, with up to 3 calls under way; then come its trials. Without it there were ten attempts for each of a dozen letters. */
const down = { integration: "mail", handler: "confirmation", maxCalls: 24 };

/** The statuses that something is still being done about; the others are over, or wait for a person. */
const busy = ["pending", "processing", "failed"] as const;
const waitingForSomeone = new Set(["dead_lettered", "escalated", "held"]);
const waitingForMail = new Set<string>(busy);

interface Desk {
  readonly api: Api;
  readonly integrations: Integrations;
  readonly print: Printer;
}

/** Deliveries that a person decided on, with the tick. */
interface Decided {
  readonly approved: Map<string, number>;
  readonly rejected: Map<string, number>;
}

/** Where the desk stood at one moment. */
interface Standing {
  readonly accounts: readonly HandlerAccount[];
  readonly stats: Stats;
  readonly blockedOrders: number;
}

/**
 * Tells the whole story on a desk that is empty and sound.
 *
 * @param plant judge evidence with a lie in it, to see that it is found.
 * @returns what became of each promise.
 */
export async function tellStory(desk: Desk, { plant }: { readonly plant: boolean }): Promise<readonly Verdict[]> {
  await quietMorning(desk);
  await badNoon(desk);
  const before = await stand(desk);
  const letters = await desk.api.deadLetters();
  await showTrouble(desk, before, letters);
  const mended = await mend(desk);
  const decided = await replayInOrder(desk);
  await decideRefunds(desk, decided);
  await showFollowed(desk);
  showBeforeAndAfter(desk, before, await stand(desk));

  desk.print.act("What was promised, checked by the integrations' own records");
  const evidence = await gather(desk, mended, decided);
  const verdicts = judge(plant ? plantWrongOrder(evidence) : evidence);
  desk.print.verdicts(verdicts);
  return verdicts;
}

async function quietMorning({ api, print }: Desk): Promise<void> {
  print.act("A quiet morning");
  print.say(
    `${morning.length} orders from three generations of shops, each in the schema version that it was built for. Agents take them on: intake → inventory → payment → confirmation; analytics counts along.`,
  );
  await calm(api, await place(api, morning));
  showAccounts(print, await accountsOf(api));
  const till = morning.find(({ schemaVersion, expected: { lines } }) => schemaVersion === 1 && lines.some(({ quantity }) => quantity > 1));
  if (till === undefined) return;
  const events = await api.order(till.orderId);
  const [placed] = events;
  print.say(`Order ${till.orderId} came from the till. The log keeps what it sent, agents get today's shape:`);
  print.table(
    [{ head: "" }, { head: "its goods in order.placed", style: () => "bold" }],
    [
      ["stored, v1", goodsOf(placed?.stored.data)],
      [`delivered, v${placed?.schema_version}`, goodsOf(placed?.data)],
    ],
  );
  print.say("Its whole life, each event with the agents that led to it:");
  print.table(
    [{ head: "revision", figures: true }, { head: "event" }, { head: "call chain" }],
    events.map(({ revision, type, call_chain }) => [revision, type, call_chain?.join(" → ") ?? ""]),
  );
}

async function badNoon({ api, integrations, print }: Desk): Promise<void> {
  print.act("A bad noon");
  const { payments, mail, inventory, analytics } = integrations;
  payments.break(({ path, body }) => (path === "/charges" && Number(body.amountCents) > bugAboveCents ? { status: 500 } : null));
  mail.break(() => ({ status: 503 }));
  analytics.break(({ body }) => (body.type === "order.cancelled" ? { status: 500 } : null));
  integrations.soldOut.add("globe");
  const slow = new Set(noon.slow.map(({ orderId }) => orderId));
  inventory.break(({ orderId }) =>
    slow.has(orderId) && inventory.calls.filter((call) => call.orderId === orderId).length <= slowAnswersLost ? "silence" : null,
  );
  print.list([
    "mail        down: answers 503 to everything",
    `payments    a bug in its new release: 500 for every charge above ${bugAboveCents / 100} euros`,
    `inventory   slow: for two orders it reserves, but its first ${slowAnswersLost} answers get lost`,
    "orders      three for a globe (sold out), one with goods and a total of zero",
  ]);
  const orders = [...noon.dear, ...noon.slow, ...noon.soldOut, noon.free, ...noon.plain].sort((a, b) => a.orderId.localeCompare(b.orderId));
  const last = await place(api, orders);
  const charges = morning.length + noon.slow.length + noon.plain.length;
  await until("payments to have met its bug", async () => {
    const payment = (await api.handlers(last)).find(({ name }) => name === "payment");
    return payment !== undefined && payment.lanes.blocked === noon.dear.length && payment.done >= charges - noon.slow.length;
  });
  print.say(`${orders.length} more orders. Moments later, by lane (one order's events for one agent):`);
  const accounts = await accountsOf(api);
  print.table(
    [
      { head: "agent" },
      { head: "done", figures: true },
      { head: "flowing", figures: true, style: () => "green" },
      { head: "backing off", figures: true, style: unlessZero("yellow") },
      { head: "blocked", figures: true, style: unlessZero("red") },
    ],
    accounts.map(({ name, done, lanes }) => [name, done, lanes.flowing + lanes.behind, lanes.backing_off, lanes.blocked]),
  );
  print.say("Payment holds the lanes of the dear orders and charges the others. Meanwhile mail fails again and again, until its breaker opens.");
  await calm(api, last, down.handler);
  await until("mail's breaker to open", async () => (await api.integrations()).some(({ name, state }) => name === down.integration && state !== "closed"));

  print.say("Meanwhile customers go on: two dear orders are cancelled, three customers want their confirmation again.");
  const cancelled = noon.dear
    .slice(0, 2)
    .map(({ orderId, expected: { email } }) => event("order.cancelled", orderId, "web", { orderId, email, by: "customer" }));
  const requested = noon.plain.slice(0, 3).map(({ orderId, expected: { email } }) => event("confirmation.requested", orderId, "web", { orderId, email }));
  await calm(api, lastPosition(await api.append([...cancelled, ...requested])), down.handler);
}

async function showTrouble({ api, integrations, print }: Desk, { stats }: Standing, letters: readonly DeadLetter[]): Promise<void> {
  print.act("What waits, and why");
  print.say(`${stats.total} dead letters hold ${stats.waiting} later events of their orders. Each keeps its place in line.`);
  const kinds = Array.from(
    Map.groupBy(letters, ({ handler, cause, error }) => `${handler}\n${cause}\n${error.message}`),
    ([, [first, ...more]]) => [1 + more.length, first?.handler ?? "", first?.cause ?? "", first?.attempts ?? 0, first?.error.message ?? ""],
  ).sort((a, b) => Number(b[0]) - Number(a[0]) || String(a[1]).localeCompare(String(b[1])));
  print.table(
    [{ head: "letters", figures: true, style: () => "red" }, { head: "agent" }, { head: "cause" }, { head: "attempts", figures: true }, { head: "error" }],
    kinds,
  );
  const held = (await api.blockedLanes()).flatMap(({ entity, handlers: lanes }) =>
    lanes
      .filter(({ lane_state, waiting }) => lane_state === "blocked" && waiting > 1)
      .map(({ handler, waiting, head }) => [entity.id, handler, head?.revision ?? "", waiting - 1, head?.error?.message ?? ""]),
  );
  print.say("The lanes in which something is held behind the dead letter:");
  print.table(
    [
      { head: "order" },
      { head: "agent" },
      { head: "failed at", figures: true },
      { head: "held behind", figures: true, style: () => "yellow" },
      { head: "error" },
    ],
    held.sort((a, b) => String(a[0]).localeCompare(String(b[0]))),
  );
  await showBreaker({ api, integrations, print });
}

async function showBreaker({ api, integrations, print }: Desk): Promise<void> {
  print.say(
    "Mail is down as a whole, and no letter is to blame for that. Its breaker let one call through now and then, to see whether it is back: no letter uses up its attempts, and none is a dead letter.",
  );
  const systems = await api.integrations();
  print.table(
    [
      { head: "system" },
      { head: "breaker", style: (cell) => (cell.trim() === "closed" ? "green" : "red") },
      { head: "calls", figures: true },
      { head: "failed", figures: true, style: unlessZero("yellow") },
      { head: "events that wait", figures: true, style: unlessZero("yellow") },
    ],
    systems.map(({ name, state, waiting }) => {
      const calls = integrations.all().filter(({ integration }) => integration === name);
      return [name, state.replace("_", " "), calls.length, calls.filter(({ status }) => status === null || status >= 500).length, waiting];
    }),
  );
}

/** Mends all that is broken. @returns the moment, and the deliveries that waited for it. */
async function mend({ api, integrations, print }: Desk): Promise<{ readonly tick: number; readonly waiting: readonly string[] }> {
  print.act("The fix, and the replay");
  const waiting = (await deliveries(api))
    .filter(({ handler, status }) => waitingForSomeone.has(status) || (handler === down.handler && waitingForMail.has(status)))
    .map(({ deliveryId }) => deliveryId);
  for (const name of ["payments", "mail", "inventory", "analytics"] as const) integrations[name].mend();
  integrations.soldOut.clear();
  print.say("The release of payments is rolled back, mail is up again, globes are in.");
  return { tick: integrations.tick(), waiting };
}

/** @returns what was rejected and what was approved, and when. */
async function replayInOrder(desk: Desk): Promise<Decided> {
  const { api, print } = desk;
  const decided: Decided = { rejected: new Map(), approved: new Map() };
  const back = await api.resetIntegration(down.integration, "mail is up again");
  await calm(api, back.position);
  const { total, succeeded, failed, position } = await api.replayBatch("inventory", "globes are in");
  await calm(api, position);
  const open = await api.escalations();
  const charges = open.filter(({ handler }) => handler === "payment");
  await decide(desk, decided, charges, "approve", "rolled back, none was charged");
  const free = open.filter(({ handler }) => handler === "intake");
  await decide(desk, decided, free, "reject", "customer reorders");
  print.table(
    [
      { head: "act" },
      { head: "letters", figures: true },
      { head: "done", figures: true, style: unlessZero("green") },
      { head: "failed", figures: true, style: unlessZero("red") },
      { head: "reason, on record" },
    ],
    [
      [`integrations reset ${down.integration}`, "", "", "", "mail is up again"],
      ["dlq replay, inventory", total, succeeded, failed, "globes are in"],
      ["escalations approve, payment", charges.length, charges.length, 0, "rolled back, none was charged"],
      ["escalations reject, intake", free.length, free.length, 0, "customer reorders"],
    ],
  );
  return decided;
}

async function decideRefunds(desk: Desk, decided: Decided): Promise<void> {
  const { api, print } = desk;
  print.act("A person decides");
  print.say(
    `Two customers had cancelled while their charges stood still. Those came first; now their refunds are due, and both are over ${refundLimitCents / 100} euros. An agent does not do that by itself:`,
  );
  const open = await api.escalations();
  print.table(
    [{ head: "order" }, { head: "agent" }, { head: "why it waits" }],
    open.map(({ entity, handler, why }) => [entity.id, handler, why]),
  );
  await decide(desk, decided, open.slice(0, 1), "approve", "the customer called");
  await decide(desk, decided, open.slice(1), "reject", "the customer keeps it");
  print.say(
    "One is approved, and runs once, in its place in line. The other is rejected: it is not called again, and the reason is on record. A second decision on either would be refused.",
  );
}

/** @returns when all of it is over. */
async function decide(
  { api, integrations }: Desk,
  decided: Decided,
  asked: readonly Escalation[],
  decision: "approve" | "reject",
  reason: string,
): Promise<void> {
  let last: string | undefined;
  for (const { delivery_id } of asked) {
    (decision === "approve" ? decided.approved : decided.rejected).set(delivery_id, integrations.tick());
    last = (await api.decide(delivery_id, decision, reason)).position;
  }
  if (last === undefined) return;
  const ids = new Set(asked.map(({ delivery_id }) => delivery_id));
  await calm(api, last);
  await until("what was decided to be done", async () => (await api.deadLetters()).every(({ delivery_id }) => !ids.has(delivery_id)));
  await calm(api, last);
}

async function showFollowed({ integrations, print }: Desk): Promise<void> {
  const [order] = noon.dear;
  if (order === undefined) return;
  print.say(
    `Order ${order.orderId}, as payments and mail saw it: the refund waited for its charge, and then for a person, each mail for its news. One delivery has one id for all its attempts, so that nobody is charged twice:`,
  );
  print.table(
    [{ head: "call" }, { head: "answer", figures: true, style: (cell) => (cell === "200" ? "green" : "red") }, { head: "delivery" }],
    integrations
      .all()
      .filter(({ orderId, integration }) => orderId === order.orderId && (integration === "payments" || integration === "mail"))
      .map(({ integration, path, body, status, deliveryId }) => [`${integration} ${path} ${body.template ?? ""}`, status ?? "none", deliveryId]),
  );
}

function showBeforeAndAfter({ print }: Desk, before: Standing, after: Standing): void {
  print.act("Before the fix, and after");
  print.table(
    [{ head: "agent" }, ...["wanted", "done", "waiting", "blocked lanes"].map((head) => ({ head, figures: true }))],
    before.accounts.map((was) => {
      const is = after.accounts.find(({ name }) => name === was.name) ?? was;
      const pairs = [
        [was.wanted, is.wanted],
        [was.done, is.done],
        [was.waiting, is.waiting],
        [was.lanes.blocked, is.lanes.blocked],
      ];
      return [was.name, ...pairs.map((pair) => pair.join(" → "))];
    }),
  );
  print.table(
    [{ head: "" }, { head: "before", figures: true, style: unlessZero("yellow") }, { head: "after", figures: true }],
    [
      ["dead letters", before.stats.total, after.stats.total],
      ["events held behind them", before.stats.waiting, after.stats.waiting],
      ["orders with a blocked lane", before.blockedOrders, after.blockedOrders],
    ],
  );
}

function showAccounts(print: Printer, accounts: readonly HandlerAccount[]): void {
  print.table(
    [
      { head: "agent" },
      { head: "wanted", figures: true },
      { head: "done", figures: true, style: () => "green" },
      { head: "waiting", figures: true, style: unlessZero("yellow") },
    ],
    accounts.map(({ name, wanted, done, waiting }) => [name, wanted, done, waiting]),
  );
}

/** In the order in which an order meets the agents. */
async function accountsOf(api: Api): Promise<readonly HandlerAccount[]> {
  const place = ({ name }: HandlerAccount) => handlers.findIndex((handler) => handler.name === name);
  return (await api.handlers()).toSorted((a, b) => place(a) - place(b));
}

async function stand({ api }: Desk): Promise<Standing> {
  return { accounts: await accountsOf(api), stats: await api.stats(), blockedOrders: (await api.blockedLanes()).length };
}

async function gather({ api, integrations }: Desk, mended: { readonly tick: number; readonly waiting: readonly string[] }, { approved, rejected }: Decided) {
  const placed = [...morning, ...noon.dear, ...noon.slow, ...noon.soldOut, noon.free, ...noon.plain];
  const logged = await Promise.all(placed.map(async (order) => ({ order, events: await api.order(order.orderId) })));
  const wants = new Map(handlers.map(({ name, ...handler }) => [name, new Set("on" in handler ? Object.keys(handler.on) : [])]));
  const count = (name: string) => logged.flatMap(({ events }) => events).filter(({ type }) => wants.get(name)?.has(type)).length;
  return {
    calls: integrations.all(),
    deliveries: await deliveries(api),
    orders: logged.map(({ order: { orderId, schemaVersion, sent, expected }, events: [first] }) => ({
      orderId,
      schemaVersion,
      sent,
      expected,
      stored: { schemaVersion: first?.stored.schema_version ?? 0, data: first?.stored.data },
    })),
    mended,
    discarded: rejected,
    approved,
    refundLimitCents,
    down,
    healthy: [...noon.plain, ...noon.slow].map(({ orderId }) => orderId),
    accounts: (await accountsOf(api)).map(({ name, wanted, done, waiting }) => ({ handler: name, wanted, done, waiting, counted: count(name) })),
  };
}

async function deliveries(api: Api): Promise<readonly Delivery[]> {
  const listed = await api.events();
  return listed.flatMap(({ entity, revision, deliveries: own }: EventSummary) =>
    own.map(({ delivery_id, handler, status }) => ({ deliveryId: delivery_id, handler, orderId: entity.id, revision, status })),
  );
}

/** @returns the position of the last of them. */
async function place(api: Api, orders: readonly Order[]): Promise<string> {
  return lastPosition(
    await api.append(
      orders.map(({ orderId, shop, schemaVersion, sent }) => ({ ...event("order.placed", orderId, shop, sent), schema_version: schemaVersion })),
    ),
  );
}

function event(type: string, orderId: string, source: string, data: unknown) {
  return { type, entity: { type: "order", id: orderId }, data, source, call_chain: [source] };
}

function lastPosition({ events }: { readonly events: readonly { readonly position: string }[] }): string {
  return events.at(-1)?.position ?? "0";
}

/** Waits until every delivery of what was appended up to `after`, and of what came of it, is over or waits for a person. @param but this agent's. */
async function calm(api: Api, after: string, but?: string): Promise<void> {
  await until("the desk to calm down", async () =>
    (await api.handlers(after)).every(({ name, by_status }) => name === but || busy.every((status) => (by_status[status] ?? 0) === 0)),
  );
}

/** @throws Error when it takes longer than 30 s. */
async function until(what: string, reached: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + calmWithinMs;
  while (!(await reached())) {
    if (performance.now() > deadline) throw new Error(`Waited ${calmWithinMs / 1000} s for ${what}.`);
    await wait(pollMs);
  }
}

/** The part of an order's data that changed from version to version. */
function goodsOf(data: unknown): string {
  const { total, totalCents, items, lines } = data as Record<string, unknown>;
  return JSON.stringify({ total, totalCents, items, lines });
}

import { v7 } from "uuid";
import { describe, expect, it } from "vitest";
import type { DeadLetterReply, LetterActReply } from "../../src/http/wire/dead-letters-replies.ts";
import type { EntityReply } from "../../src/http/wire/entities.ts";
import type { AppendReply, EventReply } from "../../src/http/wire/events.ts";
import { type Receiver, startReceiver } from "../support/crash-receiver.ts";
import { get, getAll, kill, makeSite, post, startListening, until, untilQuiet } from "../support/crash-service.ts";

const config = (receiver: string): string => `
import { defineConfig, defineEvent, webhookHandler } from "reprise";
import { z } from "zod";
export default defineConfig({
  events: [defineEvent("payment.due", { 1: z.object({}) })],
  handlers: [webhookHandler({ name: "pay", url: "${receiver}/pay", events: ["payment.due"], unknownOutcome: "escalate" })],
});
`;

const payment = (account: string) => ({ id: v7(), type: "payment.due", entity: { type: "account", id: account }, data: {} });

async function append(url: string, events: readonly object[]): Promise<string> {
  const { status, body } = await post<AppendReply>(url, "/events", { events });
  expect(status).toBe(201);
  return body.events.at(-1)!.position;
}

const callsOf = (receiver: Receiver, events: readonly { readonly id: string }[]): readonly number[] =>
  events.map(({ id }) => receiver.calls().filter((call) => call.id === id).length);

describe('unknownOutcome: "escalate"', () => {
  it("leaves a call that ran when the process was killed to a person, and never calls it again by itself", { timeout: 120_000 }, async () => {
    const [first, hanging, ...followers] = [payment("a"), payment("a"), payment("a"), payment("a")] as const;
    const receiver = await startReceiver(({ id }) => (id === hanging.id ? new Promise<number>(() => {}) : 204));
    const site = makeSite(config(receiver.url));
    const called = (times: number) => until(`${times} calls`, () => callsOf(receiver, [hanging])[0] === times);
    const escalated = async (url: string, attempts: number) => {
      expect(await getAll<DeadLetterReply>(url, "/admin/dlq")).toMatchObject([
        { id: hanging.id, status: "escalated", cause: "unknown_outcome", attempts, waiting: followers.length },
      ]);
      expect(callsOf(receiver, [hanging, ...followers])).toEqual([attempts, 0, 0]);
    };

    let service = await startListening(site);
    await append(service.url, [payment("b"), first, hanging, ...followers]);
    await called(1);
    await until("the others' outcomes", async () => {
      const { handlers } = await get<{ handlers: { done: number }[] }>(service.url, "/handlers");
      return handlers[0]!.done === 2;
    });
    await kill(service);

    for (let restart = 0; restart < 2; restart++) {
      service = await startListening(site);
      const other = payment("b"); // other entities go on, and show that there was time for this one
      const position = await append(service.url, [other]);
      expect((await untilQuiet(service.url, position))[0]).toMatchObject({ waiting: 1 + followers.length });
      expect(callsOf(receiver, [other])).toEqual([1]);
      await escalated(service.url, 1);
      const { handlers } = await get<EntityReply>(service.url, "/entities/account/a");
      expect(handlers).toMatchObject([{ lane_state: "blocked", head: { event_id: hanging.id, status: "escalated" } }]);
      await kill(service);
    }

    // A person orders it again, and it happens again: that replay is not repeated either.
    service = await startListening(site);
    void post(service.url, `/admin/dlq/${hanging.id}/replay`, { reason: "the bank says no" }).catch(() => {});
    await called(2);
    await kill(service);
    service = await startListening(site);
    await untilQuiet(service.url, await append(service.url, [payment("b")]));
    await escalated(service.url, 2);

    const act = { reason: "paid at the counter", resolution: "done_by_hand" };
    const discarded = await post<LetterActReply>(service.url, `/admin/dlq/${hanging.id}/discard`, act);
    expect(discarded.status).toBe(200);
    expect((await untilQuiet(service.url, discarded.body.position))[0]).toMatchObject({ waiting: 0, by_status: { discarded: 1 } });
    expect(callsOf(receiver, [first, hanging, ...followers])).toEqual([1, 2, 1, 1]);
    expect(await get<EventReply>(service.url, `/events/${hanging.id}`)).toMatchObject({ deliveries: [{ handler: "pay", status: "discarded", attempts: 2 }] });
    await kill(service);
  });
});

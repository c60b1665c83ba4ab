/** What was approved runs, whatever kills the process between the decision and the call; and what waits for a decision waits on. */
import { v7 } from "uuid";
import { describe, expect, it } from "vitest";
import type { EscalationActReply, EscalationsReply } from "../../src/http/wire/escalations.ts";
import type { EventReply } from "../../src/http/wire/events.ts";
import type { HandlersReply } from "../../src/http/wire/service.ts";
import { startReceiver } from "../support/crash-receiver.ts";
import { get, kill, makeSite, post, startListening, until } from "../support/crash-service.ts";

const config = (receiver: string): string => `
import { defineConfig, defineEvent, webhookHandler } from "reprise";
import { z } from "zod";
export default defineConfig({
  events: [defineEvent("refund.asked", { 1: z.object({ cents: z.int() }) })],
  handlers: [
    webhookHandler({
      ...{ name: "bank", url: "${receiver}/bank", events: ["refund.asked"], preset: "payment" },
      escalate: ({ data }) => data.cents > 10_000 && "a refund over 100",
    }),
  ],
});
`;

const refund = (order: string, cents = 20_000) => ({ id: v7(), type: "refund.asked", entity: { type: "order", id: order }, data: { cents } });
const because = { reason: "the customer called" };

describe("a refund that waits for a person while the process is killed", () => {
  it("runs once when it was approved before the kill, and not when nobody decided", { timeout: 60_000 }, async () => {
    const receiver = await startReceiver(() => 204);
    const callsOf = ({ id }: { readonly id: string }) => receiver.calls().filter((call) => call.id === id).length;
    const site = makeSite(config(receiver.url));
    const openIn = async (url: string) => (await get<EscalationsReply>(url, "/admin/escalations?status=open")).escalations;
    const [approved, undecided, follower] = [refund("a"), refund("b"), refund("a", 5)];

    let service = await startListening(site);
    expect((await post(service.url, "/events", { events: [approved, undecided, follower] })).status).toBe(201);
    const open = await until("both", async () => {
      const found = await openIn(service.url);
      return found.length === 2 && found;
    });
    // Its entity is paused, so that the kill surely comes between the decision and the call.
    expect((await post(service.url, "/entities/order/a/pause", {})).status).toBe(200);
    await kill(service);

    service = await startListening(site);
    expect(await openIn(service.url)).toEqual(open);
    const { delivery_id: id } = open.find(({ event_id }) => event_id === approved.id)!;
    const decisions = await Promise.all(
      [1, 2].map(() => post<EscalationActReply & { code: string }>(service.url, `/admin/escalations/${id}/approve`, because)),
    );
    expect(decisions.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(decisions.find(({ status }) => status === 409)!.body.code).toBe("ALREADY_DECIDED");
    await kill(service);
    expect(receiver.calls()).toEqual([]);

    service = await startListening(site);
    expect((await post(service.url, "/entities/order/a/resume", {})).status).toBe(200);
    await until("the follower", () => callsOf(follower) === 1);
    expect([callsOf(approved), callsOf(undecided)]).toEqual([1, 0]);
    // Both, or the next start asks about a call whose outcome is unknown.
    await until("their records", async () => (await get<HandlersReply>(service.url, "/handlers")).handlers[0]!.done === 2);
    const { deliveries } = await get<EventReply>(service.url, `/events/${approved.id}`);
    expect(deliveries[0]).toMatchObject({ status: "replayed", attempts: 1 });
    await kill(service);

    service = await startListening(site);
    const [left] = await until("the views", async () => {
      const found = await openIn(service.url);
      return found.length === 1 && found;
    });
    expect(left!.event_id).toBe(undecided.id);
    expect((await post(service.url, `/admin/escalations/${left!.delivery_id}/reject`, because)).body).toMatchObject({ status: "rejected", ...because });
    expect([callsOf(approved), callsOf(undecided), callsOf(follower)]).toEqual([1, 0, 1]);
    await kill(service);
  });
});

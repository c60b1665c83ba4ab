import { describe, expect, it } from "vitest";
import type { IntegrationActReply, IntegrationsReply } from "../../src/http/wire/integrations.ts";
import { startReceiver } from "../support/crash-receiver.ts";
import { get, getAll, kill, makeSite, post, startListening, until } from "../support/crash-service.ts";
import { readLogRows } from "../support/history-checker.ts";

const coolDownMs = 3000;
const config = (receiver: string): string => `
import { defineConfig, defineEvent, defineIntegration, webhookHandler } from "reprise";
import { z } from "zod";
const hook = (name) => webhookHandler({ name, integration: "bank", url: "${receiver}/" + name, events: ["payment.due"], retry: { maxAttempts: 2, initialDelayMs: 50 } });
export default defineConfig({
  events: [defineEvent("payment.due", { 1: z.object({}) })],
  integrations: [defineIntegration({ name: "bank", breaker: { failures: 5, withinMs: 30_000, coolDownMs: ${coolDownMs} } })],
  handlers: [hook("pay"), hook("tell")],
});
`;

describe("an integration that is down while the process is killed", () => {
  it("stays open over the kill, closes by itself, and every event comes, in order", { timeout: 60_000 }, async () => {
    let isDown = true;
    const receiver = await startReceiver(() => (isDown ? 500 : 204));
    const site = makeSite(config(receiver.url));
    const bankOf = async (url: string) => (await get<IntegrationsReply>(url, "/integrations")).integrations[0]!;
    let service = await startListening(site);
    const events = Array.from({ length: 60 }, (_, n) => ({ type: "payment.due", entity: { type: "account", id: String(n % 20) }, data: {} }));
    expect((await post(service.url, "/events", { events })).status).toBe(201);
    await until("the breaker", async () => (await bankOf(service.url)).state === "open");
    const { until: trialAt } = await bankOf(service.url);
    await until("its record", async () => readLogRows(site.data).some(({ type }) => type === "integration.opened"));
    const before = receiver.calls().length;
    expect(before).toBeLessThanOrEqual(2 * 16 + 4);
    await kill(service);

    service = await startListening(site);
    const after = await bankOf(service.url);
    expect(after).toMatchObject({ handlers: ["pay", "tell"], since: expect.any(String) });
    if (Date.now() < Date.parse(trialAt!)) expect(after).toMatchObject({ state: "open", until: expect.any(String) });
    expect(receiver.calls().length - before).toBeLessThanOrEqual(1); // a trial, when the start took that long
    isDown = false;
    await until("the end", async () => (await bankOf(service.url)).waiting === 0);
    expect(await bankOf(service.url)).toMatchObject({ state: "closed", until: null, waiting: 0 });
    expect(await getAll(service.url, "/admin/dlq")).toEqual([]);

    const lanes = new Map<string, number[]>();
    const answered = receiver.calls().slice(before);
    for (const { handler, lane, revision } of answered) {
      const name = `${handler} ${lane}`;
      lanes.set(name, [...(lanes.get(name) ?? []), revision]);
    }
    expect(lanes.size).toBe(40);
    for (const revisions of lanes.values()) expect([...new Set(revisions)]).toEqual([0, 1, 2]);

    const act = await post<IntegrationActReply>(service.url, "/integrations/bank/isolate", { reason: "it charges twice" });
    expect(act).toMatchObject({ status: 200, body: { name: "bank", state: "isolated" } });
    await kill(service);
    service = await startListening(site);
    expect(await bankOf(service.url)).toMatchObject({ state: "isolated" });
    await kill(service);
  });
});

/** Alerts of a real store, on a clock that the test moves: what a receiver gets, signed, over a restart. */
import { Webhook } from "standardwebhooks";
import { expect, it } from "vitest";
import { z } from "zod";
import type { AlertDefinition } from "../../src/alerts/alert-definition.ts";
import { defineEvent } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler } from "../../src/delivery/handler.ts";
import { type FakeClock, makeFakeClock } from "../support/fake-clock.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { startStore } from "../support/test-store.ts";
import { openWebhookReceiver } from "../support/webhook-receiver.ts";

const happened = defineEvent("thing.happened", { 1: z.object({ secret: z.string() }) });
const secrets = [1, 2].map((byte) => `whsec_${Buffer.alloc(32, byte).toString("base64")}`);
const thing = (id: string) => ({ type: "thing.happened", entity: { type: "thing", id }, data: { secret: "swordfish" } });

async function stepping(clock: FakeClock, condition: () => boolean | Promise<boolean>): Promise<void> {
  const step = async () => {
    await clock.advance(500);
    return condition();
  };
  await expect.poll(step, { timeout: 25_000, interval: 2 }).toBe(true);
}

it("tells of dead letters and of a breaker, signed with each secret, once over a restart, and that all is well again", async () => {
  const clock = makeFakeClock(Date.now());
  const receiver = await openWebhookReceiver();
  const folder = temporaryFolder();
  let isDown = true;
  const charge = () => {
    if (isDown) throw new Error("the bank is down");
  };
  const target = { url: receiver.url, secret: secrets, headers: { authorization: "Bearer pager" } };
  const alerts: AlertDefinition[] = [
    { when: "dead_letters", over: 1, ...target },
    { when: "breaker_open", ...target },
    { when: "lag", over: 1_000_000, ...target },
    { when: "handler_stopped", ...target },
    { when: "log_down", over: 3600, ...target }, // the clock runs faster than the disk
    { when: "oldest_dead_letter", over: 1_000_000, ...target },
    { when: "dead_letter_rate", over: 100, ...target },
  ];
  const handlers = [
    defineHandler({ name: "charge", breaker: { failures: 3 }, events: [happened], retry: { maxAttempts: 1 }, on: { "thing.happened": charge } }),
  ];
  const config = defineConfig({ events: [happened], handlers, alerts });
  const told = () => receiver.received.map(({ event }) => event.data as { readonly when: string; readonly status: string; readonly value: number });

  let store = await startStore(config, folder, { clock });
  await store.append(["a", "b", "c"].map(thing));
  await stepping(clock, () => told().length === 2);
  expect(told()).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ alert: "dead-letters", status: "fired", value: 3, over: 1 }),
      expect.objectContaining({ alert: "breaker-open", status: "fired", integration: "charge" }),
    ]),
  );
  for (const { event, headers } of receiver.received) {
    expect(headers).toMatchObject({ authorization: "Bearer pager", "content-type": "application/cloudevents+json", "webhook-id": event.id });
    expect(event).toMatchObject({ specversion: "1.0", type: "com.reprise.alert", source: "reprise" });
    expect(JSON.stringify(event)).not.toContain("swordfish");
    expect(`${headers["webhook-signature"]}`.split(" ")).toHaveLength(2);
    for (const secret of secrets) expect(new Webhook(secret).verify(JSON.stringify(event), headers as Record<string, string>)).toMatchObject({ id: event.id });
  }

  await store.close();
  store = await startStore(config, folder, { clock });
  await clock.advance(4000);
  expect(told()).toHaveLength(2);
  isDown = false;
  await store.resetIntegration("charge");
  const batch = store.replayBatch({}, { reason: "the bank is back" });
  await stepping(clock, () => told().length === 4);
  expect(await batch).toMatchObject({ succeeded: 3 });
  expect(
    told()
      .slice(2)
      .map(({ when, status }) => `${when} ${status}`)
      .toSorted((a, b) => a.localeCompare(b)),
  ).toEqual(["breaker_open resolved", "dead_letters resolved"]);
  await clock.advance(60_000);
  expect(told()).toHaveLength(4);
});

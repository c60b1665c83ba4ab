/** Who decided what about a delivery: each decision is shown with its actor, its reason, and what the delivery was before; after a rebuild of the views, too. */
import { expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler, skip, Terminal } from "../../src/delivery/handler.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { startStore } from "../support/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ n: z.int() }) });
let isMended = false;
const desk = defineHandler({
  name: "desk",
  events: [placed],
  startFrom: "beginning",
  escalate: (event) => event.data.n >= 100 && "a large one",
  retry: { maxAttempts: 5, initialDelayMs: 60_000, jitter: "none" },
  on: {
    "order.placed": ({ data: { n } }) => {
      if (isMended) return;
      if (n === 1) throw new Terminal("never");
      if (n === 2) throw new Error("not yet");
      return n === 3 ? skip("not ours") : undefined;
    },
  },
});
const gone = defineHandler({
  name: "gone",
  events: [placed],
  startFrom: "beginning",
  on: { "order.placed": () => Promise.reject<void>(new Terminal("never")) },
});
const both = defineConfig({ events: [placed], handlers: [desk, gone] });
const one = defineConfig({ events: [placed], handlers: [desk] });

it("shows who discarded, replayed, gave up, approved, rejected and retired, over a restart and a rebuild", { timeout: 60_000 }, async () => {
  isMended = false;
  const folder = temporaryFolder();
  let store = await startStore(both, folder);
  const append = async (id: string, n: number) => (await store.append({ type: "order.placed", entity: { type: "order", id }, data: { n } }))[0]!.id;
  const ids = {
    ...{ discarded: await append("a", 1), replayed: await append("b", 1), givenUp: await append("c", 2), skipped: await append("d", 3) },
    ...{ approved: await append("e", 100), rejected: await append("f", 100) },
  };
  const deliveryOf = async (id: string, handler = "desk") => (await store.views.deliveriesOf("default", id)).find((each) => each.handler === handler)!;
  const until = async (id: string, status: string) => expect.poll(async () => (await deliveryOf(id)).status).toBe(status);
  for (const id of [ids.discarded, ids.replayed]) await until(id, "dead_lettered");
  for (const id of [ids.approved, ids.rejected]) await until(id, "escalated");
  await until(ids.givenUp, "failed");
  await until(ids.skipped, "skipped");
  isMended = true;
  const because = (reason: string, actor = "anna") => ({ reason, actor, handler: "desk" });
  await store.discard(ids.discarded, { ...because("paid in cash"), resolution: "done_by_hand" });
  const { replayId } = await store.replay(ids.replayed, because("mended", "bert"));
  await store.giveUp((await deliveryOf(ids.givenUp)).deliveryId, because("no use"));
  await store.approveEscalation((await deliveryOf(ids.approved)).deliveryId, because("known customer"));
  await store.rejectEscalation((await deliveryOf(ids.rejected)).deliveryId, because("a fraud", "bert"));
  await until(ids.approved, "replayed");
  await store.close();
  store = await startStore(one, folder);
  await store.retireHandler("gone", { reason: "not used any more", actor: "carl" });

  const shown = async () => {
    await store.views.waitFor(store.views.position());
    const event = async (id: string, handler = "desk") => {
      const { deliveries } = (await store.views.event("default", id))!;
      return deliveries.find((each) => each.handler === handler)!.acts.map(({ at: _at, ...act }) => act);
    };
    const plain = { resolution: null, replayId: null };
    expect(await event(ids.discarded)).toEqual([
      { ...plain, what: "discarded", actor: "anna", reason: "paid in cash", before: "dead_lettered", after: "discarded", resolution: "done_by_hand" },
    ]);
    expect(await event(ids.replayed)).toEqual([
      { ...plain, what: "replayed", actor: "bert", reason: "mended", before: "dead_lettered", after: "replayed", replayId },
    ]);
    expect(await event(ids.givenUp)).toEqual([{ ...plain, what: "given_up", actor: "anna", reason: "no use", before: "failed", after: "dead_lettered" }]);
    expect(await event(ids.skipped)).toMatchObject([{ what: "skipped", actor: "policy", before: null, after: "skipped" }]);
    expect(await event(ids.approved)).toMatchObject([
      { what: "replayed", actor: "anna", before: "dead_lettered", after: "replayed" },
      { ...plain, what: "approved", actor: "anna", reason: "known customer", before: "escalated", after: "dead_lettered" },
    ]);
    expect(await event(ids.rejected)).toEqual([{ ...plain, what: "rejected", actor: "bert", reason: "a fraud", before: "escalated", after: "discarded" }]);
    expect(await event(ids.discarded, "gone")).toEqual([
      { ...plain, what: "discarded", actor: "carl", reason: "not used any more", before: "dead_lettered", after: "discarded" },
    ]);
    const [letter] = await store.views.findDeadLetters("default", ids.givenUp);
    expect(letter!.acts).toMatchObject([{ what: "given_up", actor: "anna" }]);
  };
  await store.close();
  store = await startStore(both, folder); // a handler that is gone is not shown; it comes back
  await expect.poll(async () => (await store.views.event("default", ids.discarded))!.deliveries.length).toBe(2);
  await shown();
  await store.views.rebuild();
  await shown();
});

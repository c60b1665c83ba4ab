import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler, type HandlerOptions } from "../../src/delivery/handler.ts";
import { conditionOf } from "../../src/delivery/ownership/condition.ts";
import { RepriseError } from "../../src/errors.ts";
import type { EventInput } from "../../src/store/append/event-input.ts";
import type { Store } from "../../src/store/store.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { handlerShows, handlerView, startStore } from "../support/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({}) });
const order = (id: string): EventInput => ({ type: "order.placed", entity: { type: "order", id }, data: {} });
const entity = (id: string) => ({ type: "order", id });
const handler = (name: string, work: (id: string) => unknown, options: Partial<HandlerOptions> = {}) =>
  defineHandler({
    ...{ name, startFrom: "beginning" as const, retry: { maxAttempts: 3, initialDelayMs: 20, maxDelayMs: 20 }, ...options },
    events: [placed],
    on: { "order.placed": async (event) => void (await work(event.entity.id)) },
  });
const config = (...handlers: ReturnType<typeof handler>[]) => defineConfig({ events: [placed], handlers });

const laneOf = async (store: Store, id: string, name = "mailer") =>
  (await store.views.entity("default", entity(id)))!.handlers.find((lane) => lane.handler === name)!;
const entitiesIn = async (store: Store, laneState: NonNullable<Parameters<Store["views"]["entities"]>[0]["laneState"]>) =>
  (await store.views.entities({ tenant: "default", laneState }, { limit: 10 })).entities.map(({ entity }) => entity.id);

describe("what stands still", () => {
  it("is stuck while a call goes on after its time-out, without a retry in the past, and flows when the call ends", async () => {
    const folder = temporaryFolder();
    const hung = Promise.withResolvers<void>();
    let calls = 0;
    const store = await startStore(config(handler("mailer", (id) => (id === "a" && ++calls === 1 ? hung.promise : undefined), { timeoutMs: 30 })), folder);
    await store.append([order("a"), order("b")]);
    await handlerShows(store, folder, "mailer", { done: 1, lanes: { stuck: 1, backing_off: 0, flowing: 1, behind: 0 } });
    const lane = await laneOf(store, "a");
    expect(lane).toMatchObject({ laneState: "stuck", head: { revision: 0, nextAttemptAt: null } });
    expect(lane.why).toMatch(/^the call of revision 0 goes on although its time-out is over/);
    expect(await entitiesIn(store, "stuck")).toEqual(["a"]);
    expect(await entitiesIn(store, "backing_off")).toEqual([]);
    const [event] = (await store.views.events({ tenant: "default", entityId: "a" }, { limit: 1 })).events;
    expect(event!.deliveries[0]).toMatchObject({ nextAttemptAt: null });
    hung.resolve();
    await handlerShows(store, folder, "mailer", { done: 2, lanes: { stuck: 0, flowing: 2 } });
    expect(await laneOf(store, "a")).toMatchObject({ laneState: "flowing", why: null });
  });

  it("is stuck rather than blocked while the call behind a dead letter goes on", async () => {
    const folder = temporaryFolder();
    const hung = Promise.withResolvers<void>();
    const store = await startStore(config(handler("mailer", () => hung.promise, { timeoutMs: 30, retry: { maxAttempts: 1 } })), folder);
    await store.append(order("a"));
    await handlerShows(store, folder, "mailer", { lanes: { stuck: 1, blocked: 0, flowing: 0 } });
    expect(await laneOf(store, "a")).toMatchObject({ laneState: "stuck" });
    hung.resolve();
    await handlerShows(store, folder, "mailer", { lanes: { stuck: 0, blocked: 1 } });
  });

  it("is shown as paused under a paused handler, without the time of a retry that will not come", async () => {
    const folder = temporaryFolder();
    const store = await startStore(config(handler("mailer", (id) => (id === "a" ? Promise.reject(new Error("down")) : undefined), { retry: { maxAttempts: 5, initialDelayMs: 60_000 } })), folder); // biome-ignore format: one line
    await store.append([order("a"), order("b")]);
    await handlerShows(store, folder, "mailer", { done: 1, lanes: { backing_off: 1, flowing: 1 } });
    await store.pauseHandler("mailer", { actor: "anna", reason: "look first" });
    await handlerShows(store, folder, "mailer", { state: "paused", why: "paused by anna: look first", fault: null, lanes: { paused: 2, flowing: 0, backing_off: 0 } }); // biome-ignore format: one line
    for (const id of ["a", "b"]) expect(await laneOf(store, id)).toMatchObject({ laneState: "paused", why: "paused by anna: look first" });
    expect((await laneOf(store, "a")).head).toMatchObject({ nextAttemptAt: null });
    expect(await entitiesIn(store, "paused")).toEqual(["a", "b"]);
    expect(await entitiesIn(store, "flowing")).toEqual([]);
    await store.resumeHandler("mailer");
    await handlerShows(store, folder, "mailer", { state: "running", lanes: { paused: 0, backing_off: 1, flowing: 1 } });
    expect((await laneOf(store, "a")).head?.nextAttemptAt).not.toBeNull();
  });

  it("is absent when the config has the handler no more, with what waits for it", async () => {
    const folder = temporaryFolder();
    const failing = handler("mailer", () => Promise.reject(new Error("down")), { retry: { maxAttempts: 1 } });
    let store = await startStore(
      config(
        failing,
        handler("ledger", () => {}),
      ),
      folder,
    );
    await store.append(order("a"));
    await handlerShows(store, folder, "mailer", { waiting: 1 });
    await store.close();
    store = await startStore(config(handler("ledger", () => {})), folder);
    await store.append([order("a"), order("b")]);
    await handlerShows(store, folder, "ledger", { done: 3 });
    await handlerShows(store, folder, "mailer", { state: "absent", fault: null, wanted: 3, waiting: 3, lanes: { blocked: 1, behind: 1, flowing: 0 } });
    expect((await handlerView(store, "mailer")).why).toBe("the config has no handler mailer any more: put it back, or retire it");
    expect(await laneOf(store, "b")).toMatchObject({ laneState: "behind", waiting: 1, why: expect.stringContaining("no handler mailer any more") });
    expect(await entitiesIn(store, "behind")).toEqual(["b"]);
  });

  it("says which error stopped it, and that another instance owns it", () => {
    expect(conditionOf(null)).toEqual({ state: "running", fault: null });
    expect(conditionOf(new RepriseError("FENCED", "j was claimed by another process."))).toEqual({
      state: "fenced",
      fault: "FENCED: j was claimed by another process.",
    });
    expect(conditionOf(new RepriseError("JOURNAL_DAMAGED", "It does not fold."))).toEqual({ state: "stopped", fault: "JOURNAL_DAMAGED: It does not fold." });
  });
});

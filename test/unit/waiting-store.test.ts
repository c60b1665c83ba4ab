import { describe, expect, it } from "vitest";
import { RepriseError } from "../../src/errors.ts";
import type { StoreCore } from "../../src/store/store.ts";
import { makeWaitingStore } from "../../src/store/waiting-store.ts";
import { makeFakeClock } from "../support/fake-clock.ts";
import { makeFakeStore } from "../support/fake-store.ts";

const away = () => new RepriseError("LOG_UNAVAILABLE", "The server cannot be reached.", { retryAfterMs: 1000 });
const event = { type: "order.placed", entity: { type: "order", id: "a" }, data: {} };

/** @param open answers the so-and-so-many-th try, counted from 1. */
function openScene(open: (tries: number, signal: AbortSignal) => Promise<StoreCore>) {
  const clock = makeFakeClock();
  const scene = { tries: 0, told: 0 };
  const store = makeWaitingStore({
    catalog: makeFakeStore().catalog,
    open: (signal) => open(++scene.tries, signal),
    clock,
    onTrouble: () => scene.told++,
  });
  return { clock, scene, store };
}

describe("a store that waits for its log", () => {
  it("refuses what needs the log, says why, and opens once it can", async () => {
    const inner = makeFakeStore();
    const { clock, scene, store } = openScene(async (tries) => {
      if (tries < 4) throw away();
      return inner;
    });
    const started = store.start();
    await clock.advance(0);
    expect(store.notReady()).toBe("the log: The server cannot be reached");
    await expect(store.append(event)).rejects.toMatchObject({ code: "LOG_UNAVAILABLE", retryAfterMs: 1000 });
    await expect(store.views.handlers()).rejects.toMatchObject({ code: "LOG_UNAVAILABLE" });
    expect(store.views.position()).toBe("0");
    expect(() => store.logId).toThrow("cannot be reached");
    await clock.advance(250 + 500 + 1000);
    await started;
    expect(scene).toEqual({ tries: 4, told: 3 });
    expect(store.notReady()).toBeNull();
    await store.append(event);
    await store.close();
  });

  it("waits longer each time, up to 2 s", async () => {
    const { clock, scene, store } = openScene(() => Promise.reject(away()));
    const started = store.start();
    await clock.advance(60_000);
    const before = scene.tries;
    await clock.advance(60_000);
    expect(scene.tries - before).toBe(30);
    await store.close();
    await started;
    await expect(store.append(event)).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("does not wait for what a person must mend", async () => {
    const { store } = openScene(() => Promise.reject(new RepriseError("CONFIG_INVALID", "Not allowed.")));
    await expect(store.start()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await store.close();
  });

  it("that is closed while it opens gives up opening, and does not start", async () => {
    const { store } = openScene((_, signal) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(away()))));
    const started = store.start();
    await store.close();
    await started;
    expect(store.notReady()).toBe("the store is closed");
  });

  it("that is closed while it starts closes what it opened", async () => {
    let closed = 0;
    const { promise: starting, resolve: reached } = Promise.withResolvers<void>();
    const { promise: hanging, reject: giveUp } = Promise.withResolvers<void>();
    const inner = makeFakeStore({
      store: {
        start: () => {
          reached();
          return hanging;
        },
        close: async () => {
          closed++;
          giveUp(new RepriseError("CLOSED", "The log is closed."));
        },
      },
    });
    const { store } = openScene(async () => inner);
    const started = store.start();
    await starting;
    await store.close();
    await started;
    expect(closed).toBeGreaterThan(0);
  });
});

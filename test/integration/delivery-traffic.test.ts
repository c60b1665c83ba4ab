import { setTimeout as elapse } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler, type HandlerOptions, NotReady, Terminal } from "../../src/delivery/handler.ts";
import { isRepriseError } from "../../src/errors.ts";
import type { EventInput } from "../../src/store/append/event-input.ts";
import type { Store } from "../../src/store/store.ts";
import { checkHistory, countDeliveries, type History, makeHistory } from "../support/history-checker.ts";
import { makeRandom } from "../support/partition-model.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { makeTestBench } from "../support/test-bench.ts";
import { handlerShows, handlerView, headOf, logRows, type Place, startStore } from "../support/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ fate: z.enum(["ok", "flaky", "deferred", "slow", "broken", "terminal"]) }) });
const lanes = 30;
const rounds = 3;
const appendsPerRound = 40;

/** Traffic of every kind that a handler meets, operators among it, out of one seed. */
class Traffic {
  readonly history: History = makeHistory();
  readonly #random: () => number;
  readonly #options: Partial<HandlerOptions>;
  readonly #place: Place;
  readonly #deferred = new Set<string>();
  healed = false;
  acts = 0;

  constructor(seed: number, options: Partial<HandlerOptions>, place: Place) {
    this.#place = place;
    this.#random = makeRandom(seed);
    this.#options = options;
  }

  async run(): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      const store = await this.#open();
      const operating = new AbortController();
      const operators = Array.from({ length: 4 }, () => this.#operate(store, operating.signal));
      for (let append = 0; append < appendsPerRound; append++) await store.append(this.#events());
      // A log in memory takes all appends before there is a letter to act on.
      await expect.poll(() => this.acts, { timeout: 20_000, interval: 5 }).toBeGreaterThan(2 * (round + 1));
      operating.abort();
      await Promise.all(operators);
      await this.#agree(store);
      await store.close();
    }
    this.healed = true;
    const store = await this.#open();
    // Views in memory begin anew with each store.
    await store.views.waitFor(await headOf(this.#place));
    while ((await store.views.deadLetterStats({ tenant: "default" })).total > 0) {
      await store.replayBatch({}, { maxEvents: 1000 });
      await this.#quiet(store);
    }
    await handlerShows(store, this.#place, "mailer", { waiting: 0, byStatus: { dead_lettered: 0, held: 0 } });
    await this.#agree(store);
  }

  #open(): Promise<Store> {
    const handler = defineHandler({
      name: "mailer",
      concurrency: 8,
      retry: { maxAttempts: 2, initialDelayMs: 3, maxDelayMs: 10 },
      ...this.#options,
      events: [placed],
      on: {
        "order.placed": async ({ id, entity, tenant, revision, data }, { attempt, deliveryId, replay }) => {
          const call = this.history.begin({ lane: `${tenant}.order-${entity.id}`, revision, attempt, deliveryId, replayId: replay?.id ?? null });
          if (data.fate === "slow") await elapse(60);
          const failure = this.#failure(data.fate, id, attempt);
          this.history.end(call, failure === null ? "completed" : failure instanceof NotReady ? "deferred" : "failed");
          if (failure !== null) throw failure;
        },
      },
    });
    const limits = { laneQueueEvents: 3, readAheadEvents: 60, slowMs: 20, flushOutcomes: 8, flushMs: 5 };
    return startStore(defineConfig({ events: [placed], handlers: [handler], limits }), this.#place);
  }

  #failure(fate: string, id: string, attempt: number): Error | null {
    if (fate === "deferred" && !this.#deferred.has(id)) {
      this.#deferred.add(id);
      return new NotReady("starting up", { retryAfterMs: 5 });
    }
    if (fate === "flaky" && attempt === 1) return new Error("once");
    if (this.healed || (fate !== "broken" && fate !== "terminal")) return null;
    return fate === "broken" ? new Error("down") : new Terminal("never");
  }

  #events(): readonly EventInput[] {
    return Array.from({ length: 1 + Math.floor(this.#random() * 20) }, (): EventInput => {
      const dice = this.#random();
      const fate = dice < 0.03 ? "broken" : dice < 0.05 ? "terminal" : dice < 0.1 ? "flaky" : dice < 0.14 ? "deferred" : dice < 0.17 ? "slow" : "ok";
      return { type: "order.placed", entity: { type: "order", id: String(Math.floor(this.#random() * lanes)) }, data: { fate } };
    });
  }

  /** Replays and discards dead letters as they come. What is refused was decided, or is under way, already. */
  async #operate(store: Store, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { events } = await store.views.deadLetters({ tenant: "default" }, { limit: 50 });
      const letter = events[Math.floor(this.#random() * events.length)];
      // In memory all is answered at once: four operators who never wait leave the handlers no turn.
      await elapse(letter === undefined ? 2 : 1);
      if (letter !== undefined) {
        try {
          if (this.#random() < 0.3) await store.discard(letter.id, { reason: "not needed" });
          else if (this.#random() < 0.2) await store.replayBatch({ entityId: letter.entity.id });
          else await store.replay(letter.id);
          this.acts++;
        } catch (error) {
          if (!isRepriseError(error, "NOT_DEAD_LETTERED", "DELIVERY_RUNNING", "LETTER_NOT_FIRST")) throw error;
        }
      }
    }
  }

  /** Waits until only dead letters and what they hold are left. */
  async #quiet(store: Store): Promise<void> {
    const moving = async () => {
      const { byStatus } = await handlerView(store, "mailer");
      return byStatus.pending + byStatus.processing + byStatus.failed;
    };
    await expect.poll(moving, { timeout: 20_000, interval: 10 }).toBe(0);
    await store.views.waitFor(await headOf(this.#place));
    await expect.poll(moving, { timeout: 20_000, interval: 10 }).toBe(0);
  }

  async #agree(store: Store): Promise<void> {
    await this.#quiet(store);
    const ordering = this.#options.ordering ?? "strict";
    const counted = countDeliveries(await logRows(this.#place), "mailer", ordering);
    const tally: Record<string, number> = {};
    for (const status of counted.statuses.values()) tally[status] = (tally[status] ?? 0) + 1;
    const { wanted, byStatus } = await handlerView(store, "mailer");
    expect(wanted).toBe(counted.statuses.size);
    expect(Object.fromEntries(Object.entries(byStatus).filter(([, number]) => number > 0))).toEqual(tally);
    expect(await store.views.deadLetterStats({ tenant: "default" })).toMatchObject({ total: tally.dead_lettered ?? 0, waiting: tally.held ?? 0 });
    expect(checkHistory(this.history.calls, { ...counted, ordering })).toEqual([]);
  }
}

describe("traffic of every kind, with operators at work and restarts", () => {
  it.each<[string, Partial<HandlerOptions>, () => Place]>([
    ["strict", {}, temporaryFolder],
    ["relaxed", { ordering: "relaxed" }, temporaryFolder],
    ["record each", { record: "each" }, temporaryFolder],
    ["one slot", { concurrency: 1 }, temporaryFolder],
    ["strict, in a test store", {}, makeTestBench],
    ["relaxed, in a test store", { ordering: "relaxed" }, makeTestBench],
    ["strict, in a test store, in four partitions", {}, () => makeTestBench(4)],
  ])("keeps order, loses nothing and counts right: %s", { timeout: 60_000 }, async (_name, options, makePlace) => {
    const traffic = new Traffic(Number(process.env.REPRISE_TRAFFIC_SEED ?? 1), options, makePlace());
    await traffic.run();
    expect(traffic.acts).toBeGreaterThan(5);
  });
});

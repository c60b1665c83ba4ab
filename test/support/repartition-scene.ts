/** A handler with all that may stand still in its lanes, as an operator sees it before and after its lanes are divided anew. */
import { expect } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { type Config, defineConfig } from "../../src/config/config.ts";
import { defineHandler, type HandlerOptions, NotReady, Terminal } from "../../src/delivery/handler.ts";
import type { EventInput } from "../../src/store/append/event-input.ts";
import type { Store } from "../../src/store/store.ts";
import { type History, makeHistory } from "./history-checker.ts";
import { handlerView } from "./test-store.ts";

export const placed = defineEvent("order.placed", { 1: z.object({ line: z.int() }) });
export const order = (id: string, line: number): EventInput => ({ type: "order.placed", entity: { type: "order", id }, data: { line } });
export const because = { actor: "anna", reason: "more instances" };
export const hourMs = 3_600_000;
/** Longer than any test. */
const patient = { maxAttempts: 3, initialDelayMs: hourMs, maxDelayMs: hourMs, jitter: "none" } as const;

export interface Desk {
  readonly config: Config;
  readonly history: History;
  /** What each entity's calls carried that went well, in order. */
  readonly done: Map<string, number[]>;
  /** Whether what goes wrong by an entity's name does so still. */
  broken: boolean;
  /** Awaited within each call. */
  work: (id: string, line: number) => unknown;
}

/** The second event: of `letter…` it dies, of `retry…` and `later…` it waits for long, of `ask…` it needs a person. */
export function makeDesk(options: Partial<HandlerOptions> = {}): Desk {
  const history = makeHistory();
  const handler = defineHandler({
    ...{ name: "desk", retry: patient, ...options },
    events: [placed],
    escalate: ({ entity: { id }, data: { line } }) => (id.startsWith("ask") && line === 1 ? "a person looks" : false),
    on: {
      "order.placed": async ({ entity: { id }, tenant, revision, data: { line } }, { attempt, deliveryId, replay }) => {
        const call = history.begin({ lane: `${tenant}.order-${id}`, revision, attempt, deliveryId, replayId: replay?.id ?? null });
        await desk.work(id, line);
        const isBad = revision === 1 && desk.broken;
        if (isBad && id.startsWith("later")) history.end(call, "deferred");
        else if (isBad && /^(letter|retry)/.test(id)) history.end(call, "failed");
        else {
          history.end(call, "completed");
          desk.done.set(id, [...(desk.done.get(id) ?? []), line]);
          return;
        }
        if (id.startsWith("later")) throw new NotReady("not yet", { retryAfterMs: hourMs });
        throw id.startsWith("letter") ? new Terminal("broken") : new Error("broken");
      },
    },
  });
  const desk: Desk = { history, done: new Map(), broken: true, work: () => {}, config: defineConfig({ events: [placed], handlers: [handler] }) };
  return desk;
}

export const namesOf = (count: number) =>
  ["fine", "letter", "retry", "later", "ask", "still"].flatMap((kind) => Array.from({ length: count }, (_, n) => `${kind}${n}`));

/** Brings each entity to where its name says, and amends every second dead letter. */
export async function arrange(store: Store, names: readonly string[]): Promise<void> {
  const still = names.filter((name) => name.startsWith("still"));
  await store.append(names.map((id) => order(id, 0)));
  await expect.poll(async () => (await handlerView(store, "desk")).done, { timeout: 20_000 }).toBe(names.length);
  for (const id of still) await store.pauseEntity({ type: "order", id }, because);
  for (const line of [1, 2]) await store.append(names.map((id) => order(id, line)));
  const count = (kind: string) => names.filter((name) => name.startsWith(kind)).length;
  const byStatus = { dead_lettered: count("letter"), failed: count("retry") + count("later"), escalated: count("ask") };
  await expect.poll(async () => (await handlerView(store, "desk")).byStatus, { timeout: 20_000 }).toMatchObject(byStatus);
  await expect.poll(async () => (await handlerView(store, "desk")).done, { timeout: 20_000 }).toBe(names.length + 2 * count("fine"));
  const { events } = await store.views.deadLetters({ tenant: "default" }, { limit: 100 });
  for (const [at, { id }] of events.filter(({ entity }) => entity.id.startsWith("letter")).entries())
    if (at % 2 === 0) await store.amend(id, { ...because, data: { line: 101 } });
  await store.views.waitFor(BigInt(events[0]!.position));
}

/** What an operator sees of the handler, whatever partitions it has. */
export async function pictureOf(store: Store, names: readonly string[]) {
  const { lagSeconds: _, ...view } = await handlerView(store, "desk");
  const lanes = [];
  for (const id of names) lanes.push(await store.views.entity("default", { type: "order", id }));
  const { events: letters } = await store.views.deadLetters({ tenant: "default" }, { limit: 100 });
  const details = [];
  for (const { id } of letters) details.push(await store.views.findDeadLetters("default", id));
  const { escalations } = await store.views.escalations({ tenant: "default" }, { limit: 100 });
  return { view, lanes, letters, details, escalations };
}

/** Ends all that stands still: replays, approves, resumes, tries now. Each entity gets one event more. */
export async function release(store: Store, desk: Desk, names: readonly string[], line: number): Promise<void> {
  desk.broken = false;
  await store.append(names.map((id) => order(id, line)));
  const { events: letters } = await store.views.deadLetters({ tenant: "default" }, { limit: 100 });
  for (const { id, entity } of letters) if (entity.id.startsWith("letter")) await store.replay(id, because);
  const { escalations } = await store.views.escalations({ tenant: "default" }, { limit: 100 });
  for (const { deliveryId } of escalations) await store.approveEscalation(deliveryId, because);
  for (const id of names) {
    if (id.startsWith("still")) await store.resumeEntity({ type: "order", id }, because);
    if (/^(retry|later)/.test(id)) await store.retryEntity({ type: "order", id }, because);
  }
  await expect.poll(async () => (await handlerView(store, "desk")).waiting, { timeout: 20_000 }).toBe(0);
}

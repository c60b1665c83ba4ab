import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Entity, EventInput, Store } from "reprise";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { z } from "zod";
import { type Announcement, makeChat } from "../../examples/github-triage/announce.ts";
import { events, versionedTypes } from "../../examples/github-triage/catalog.ts";
import { githubTriage } from "../../examples/github-triage/config.ts";
import { deliveries } from "../../examples/github-triage/deliveries.ts";
import { type Board, cardKey } from "../../examples/github-triage/triage.ts";
import { openStore } from "../../src/compose.ts";

/** At 27 KB for the largest recording, far below the 960,000 bytes that one append takes. */
const eventsPerAppend = 25;
/** What the chat refuses while it is broken: spread over entities of all kinds, with events of all releases before and behind. */
const refusedActions: readonly unknown[] = ["assigned", "deleted"];
const isRefused = ({ data }: { readonly data: unknown }) => refusedActions.includes((data as { action?: unknown }).action);

const inputs = deliveries();
const byEntity = Map.groupBy(inputs, ({ entity }) => cardKey(entity));
const brokenEntities = [...byEntity].filter(([, events]) => events.some(isRefused)).map(([key]) => key);

const folder = mkdtempSync(join(tmpdir(), "reprise-github-triage-"));
const board: Board = new Map();
const chat = makeChat();
const config = githubTriage({ board, chat });
let store: Store;

let startedMs: number;
beforeAll(async () => {
  startedMs = performance.now();
  chat.breakFor(({ about }) => isRefused(about));
  store = await openStore(config, { log: `sqlite:${folder}` });
  await store.start();
});

afterAll(async () => {
  await store?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function appendAll(): Promise<{ readonly duplicates: number; readonly revisions: readonly number[] }> {
  const revisions: number[] = [];
  let duplicates = 0;
  for (let from = 0; from < inputs.length; from += eventsPerAppend) {
    for (const appended of await store.append(inputs.slice(from, from + eventsPerAppend))) {
      revisions.push(appended.revision);
      if (appended.duplicate) duplicates++;
    }
  }
  return { duplicates, revisions };
}

async function readAll(entity: Entity) {
  const pages = [];
  for (let from: number | null = 0; from !== null; ) {
    const page = await store.readEntity(entity, { from, limit: 100 });
    pages.push(...page.events);
    from = page.nextFrom;
  }
  return pages;
}

/** Revisions that the chat took of each entity, in the order in which it took them. */
function takenByEntity(): Map<string, readonly number[]> {
  const taken = Map.groupBy(chat.posted, ({ about }) => cardKey(about.entity));
  return new Map([...taken].map(([key, announcements]) => [key, announcements.map(({ about }) => about.revision)]));
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);
const patience = { timeout: 60_000, interval: 25 };

describe("every recorded delivery of the package", { timeout: 180_000 }, () => {
  it("goes in, and once only", async () => {
    expect(inputs.length).toBeGreaterThan(0);
    const first = await appendAll();
    expect(first.duplicates).toBe(0);
    const again = await appendAll();
    expect(again.duplicates).toBe(inputs.length);
    expect(again.revisions).toEqual(first.revisions);
  });

  it("comes out of the log as it was sent, entity by entity in the order of sending", async () => {
    for (const sent of byEntity.values()) {
      const read = await readAll(sent[0]!.entity);
      expect(read.map(({ revision }) => revision)).toEqual(upTo(sent.length));
      expect(read.map(({ id, source, stored }) => ({ id, source, ...stored }))).toEqual(
        sent.map(({ id, source, type, schemaVersion, data }) => ({ id, source, type, schemaVersion, data })),
      );
    }
  });

  it("waits behind the one before it that the chat refused; other entities and handlers go on", async () => {
    expect(brokenEntities.length).toBeGreaterThan(1);
    expect(brokenEntities.length).toBeLessThan(byEntity.size);
    const expected = new Map<string, readonly number[]>();
    for (const [key, sent] of byEntity) {
      const firstRefused = sent.findIndex(isRefused);
      const taken = upTo(firstRefused === -1 ? sent.length : firstRefused);
      if (taken.length > 0) expected.set(key, taken);
    }
    const triaged = inputs.filter(isTriaged).length;
    await vi.waitFor(async () => {
      const { total } = await store.views.deadLetters({ tenant: "default" }, { limit: 1, data: false });
      const handlers = new Map((await store.views.handlers()).map((handler) => [handler.name, handler]));
      const figures = [total, handlers.get("announce")?.wanted, handlers.get("triage")?.done];
      expect([...figures, takenByEntity()]).toEqual([brokenEntities.length, inputs.length, triaged, expected]);
    }, patience);

    const { events: letters } = await store.views.deadLetters({ tenant: "default", handler: "announce" }, { limit: 200 });
    expect(letters.map(({ entity }) => cardKey(entity)).sort()).toEqual([...brokenEntities].sort());
    for (const letter of letters) {
      const sent = byEntity.get(cardKey(letter.entity))!;
      expect(letter).toMatchObject({ eventType: sent[letter.revision]?.type, cause: "exhausted", attempts: 1, error: { type: "ChatRefused" } });
      expect(letter.revision).toBe(sent.findIndex(isRefused));
      expect(letter.waiting).toBe(sent.length - 1 - letter.revision);
    }
    expect(board.size).toBe(new Set(inputs.filter(isTriaged).map(({ entity }) => cardKey(entity))).size);
  });

  it("is replayed in order once the chat is repaired, after a restart too", async () => {
    await store.close();
    store = await openStore(config, { log: `sqlite:${folder}` });
    await store.start();
    chat.repair();
    const replay = await store.replayBatch({ handler: "announce" }, { maxEvents: 1000, reason: "The chat is back." });
    expect(replay).toMatchObject({ total: brokenEntities.length, succeeded: brokenEntities.length, failed: 0, remaining: 0 });

    await vi.waitFor(async () => {
      const handlers = await store.views.handlers();
      expect(handlers.map(({ name, wanted, done, waiting }) => ({ name, wanted, done, waiting }))).toEqual(
        expect.arrayContaining([
          { name: "announce", wanted: inputs.length, done: inputs.length, waiting: 0 },
          { name: "triage", wanted: inputs.filter(isTriaged).length, done: inputs.filter(isTriaged).length, waiting: 0 },
        ]),
      );
    }, patience);
    expect(takenByEntity()).toEqual(new Map([...byEntity].map(([key, sent]) => [key, upTo(sent.length)])));
    expect(new Set(chat.posted.map(({ deliveryId }) => deliveryId)).size).toBe(inputs.length);
  });

  it("reaches the handlers in its newest shape only", () => {
    const current = new Map<string, number>(events.map(({ type, schemas }) => [type, Math.max(...Object.keys(schemas).map(Number))]));
    const newest = new Map<string, z.ZodType>(versionedTypes.map(({ type, schemas }) => [type, Object.values(schemas).at(-1)!]));
    const lifted = chat.posted.filter(({ about }) => sentAs(about).schemaVersion !== about.schemaVersion);
    expect(lifted.length).toBeGreaterThan(0);
    console.info(
      `github-triage: ${inputs.length} payloads of ${events.length} event types about ${byEntity.size} entities; ` +
        `${versionedTypes.map(({ type, schemas }) => `${type.replace("github.", "")} v1…v${Object.keys(schemas).length}`).join(", ")}; ${lifted.length} lifted; ` +
        `${brokenEntities.length} dead letters replayed; ${((performance.now() - startedMs) / 1000).toFixed(1)} s from the first append`,
    );
    for (const { about } of chat.posted) {
      expect(about.schemaVersion).toBe(current.get(about.type));
      expect(about.data).toMatchObject(sentAs(about).data as object);
      const schema = newest.get(about.type);
      if (schema !== undefined) expect(schema.parse(about.data)).toEqual(about.data);
    }
  });
});

function isTriaged({ type }: EventInput): boolean {
  return versionedTypes.some((event) => event.type === type);
}

function sentAs({ entity, revision }: Announcement["about"]): EventInput {
  return byEntity.get(cardKey(entity))![revision]!;
}
